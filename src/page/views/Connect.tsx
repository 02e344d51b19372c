/** Shows how to send the first event. */
import { useSignal } from "@preact/signals"
import type { JSX } from "preact"
import { ApiError } from "../api.js"
import { CopyButton } from "../parts/Copy.js"
import { href, project } from "../router.js"
import { snippets } from "../snippets.js"
import { notify } from "../state.js"

/** Sends one event as an SDK does. */
const sendTest = async (): Promise<void> => {
  const response = await fetch("/2/httpapi", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      api_key: project.value ?? "dev-key",
      events: [{
        event_type: "Test Event",
        user_id: "test-user",
        time: Date.now(),
        // `randomUUID` exists on a secure origin only
        insert_id: isSecureContext ? crypto.randomUUID() : undefined,
        event_properties: { source: "DevServer page" }
      }]
    })
  })
  if (!response.ok) {
    throw new ApiError(response.status, `The server answered ${response.status}.`)
  }
}

export const Connect = (): JSX.Element => {
  const chosen = useSignal(0)
  const sent = useSignal(false)
  const url = `${location.origin}/2/httpapi`
  const snippet = snippets[chosen.value]!
  const code = snippet.code(url)
  return (
    <div class="page">
      <h1 class="title">Connect an SDK</h1>
      <p class="lead muted">
        Set the server URL of any Amplitude SDK to this address. Any API key will do. Nothing leaves this machine.
      </p>
      <div class="address panel">
        <span class="muted">Server URL</span>
        <code>{url}</code>
        <CopyButton what="the server URL" text={() => url}>Copy</CopyButton>
      </div>
      <div class="address panel">
        <span class="muted">Batch</span>
        <code>{`${location.origin}/batch`}</code>
        <CopyButton what="the URL of Batch" text={() => `${location.origin}/batch`}>Copy</CopyButton>
      </div>
      <section aria-label="Snippets">
        <div class="choices" role="group" aria-label="SDK">
          {snippets.map(({ name }, index) => (
            <button
              type="button"
              key={name}
              class="choice"
              aria-pressed={index === chosen.value}
              onClick={() => chosen.value = index}
            >
              {name}
            </button>
          ))}
        </div>
        <div class="snippet">
          <pre class="code" tabIndex={0} role="group" aria-label={`Code for ${snippet.name}`}>{code}</pre>
          <CopyButton what={`the code for ${snippet.name}`} text={() => code}>Copy</CopyButton>
        </div>
        {snippet.note === undefined ? null : <p class="muted">{snippet.note}</p>}
      </section>
      <section class="try">
        <button
          type="button"
          class="button primary"
          onClick={() => {
            sendTest().then(
              () => {
                sent.value = true
                notify("The test event was sent")
              },
              (error: unknown) => notify(error instanceof Error ? error.message : String(error))
            )
          }}
        >
          Send a test event
        </button>
        {sent.value ?
          <a href={href("events")}>See it among the events</a> :
          <span class="muted">It is sent from this page, as user test-user.</span>}
      </section>
    </div>
  )
}
