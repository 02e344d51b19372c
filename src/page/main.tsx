import { render } from "preact"
import { App } from "./App.js"
import { listenToKeys } from "./keyboard.js"
import { listen } from "./live.js"

listen()
listenToKeys()
render(<App />, document.getElementById("root")!)
