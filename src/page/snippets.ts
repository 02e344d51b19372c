/** The code that makes each SDK send to the server. */

export interface Snippet {
  readonly name: string
  readonly code: (url: string) => string
  readonly note?: string
}

export const snippets: ReadonlyArray<Snippet> = [
  {
    name: "Effect",
    code: (url) =>
      `import { Effect } from "effect"
import { Amplitude } from "effect-amplitude"

const AmplitudeLive = Amplitude.layer({ apiKey: "dev-key", serverUrl: "${url}" })

const program = Amplitude.track("Test Event", { hello: "world" }, { user_id: "user-12345" }).pipe(
  Effect.provide(AmplitudeLive)
)`
  },
  {
    name: "Node",
    code: (url) =>
      `import * as amplitude from "@amplitude/analytics-node"

amplitude.init("dev-key", { serverUrl: "${url}" })
amplitude.track("Test Event", { hello: "world" }, { user_id: "user-12345" })
await amplitude.flush().promise`
  },
  {
    name: "Browser",
    code: (url) =>
      `import * as amplitude from "@amplitude/analytics-browser"

amplitude.init("dev-key", { serverUrl: "${url}" })
amplitude.track("Test Event", { hello: "world" })`
  },
  {
    name: "React Native",
    code: (url) =>
      `import { init, track } from "@amplitude/analytics-react-native"

init("dev-key", "user-12345", { serverUrl: "${url}" })
track("Test Event", { hello: "world" })`
  },
  {
    name: "Python",
    code: (url) =>
      `from amplitude import Amplitude, BaseEvent

client = Amplitude("dev-key")
client.configuration.server_url = "${url}"
client.track(BaseEvent("Test Event", user_id="user-12345"))
client.shutdown()`
  },
  {
    name: "Go",
    code: (url) =>
      `config := amplitude.NewConfig("dev-key")
config.ServerURL = "${url}"

client := amplitude.NewClient(config)
client.Track(amplitude.Event{UserID: "user-12345", EventType: "Test Event"})
client.Shutdown()`
  },
  {
    name: "Java",
    code: (url) =>
      `Amplitude client = Amplitude.getInstance();
client.init("dev-key");
client.setServerUrl("${url}");
client.logEvent(new Event("Test Event", "user-12345"));
client.flushEvents();`
  },
  {
    name: "Kotlin",
    note: "In the Android emulator the host is 10.0.2.2. A debug build must allow plain HTTP to it.",
    code: (url) =>
      `val amplitude = Amplitude(
    Configuration(
        apiKey = "dev-key",
        context = applicationContext,
        serverUrl = "${url}"
    )
)
amplitude.track("Test Event")
amplitude.flush()`
  },
  {
    name: "Swift",
    note: "The simulator shares the network of the Mac. NSAllowsLocalNetworking permits plain HTTP to it.",
    code: (url) =>
      `import AmplitudeSwift

let amplitude = Amplitude(configuration: Configuration(
    apiKey: "dev-key",
    serverUrl: "${url}"
))
amplitude.track(eventType: "Test Event")
amplitude.flush()`
  },
  {
    name: "Flutter",
    code: (url) =>
      `final amplitude = Amplitude(Configuration(
  apiKey: 'dev-key',
  serverUrl: '${url}',
));
await amplitude.isBuilt;
amplitude.track(BaseEvent('Test Event'));
amplitude.flush();`
  },
  {
    name: "curl",
    code: (url) =>
      `curl ${url} \\
  -H 'Content-Type: application/json' \\
  --data '{
    "api_key": "dev-key",
    "events": [{ "event_type": "Test Event", "user_id": "user-12345" }]
  }'`
  }
]
