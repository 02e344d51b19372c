/**
 * Tests of a program that tracks, in Vitest and without Effect: a local server takes the events, and
 * `effect-amplitude/DevServerClient` says what arrived. It works the same for an SDK of any language.
 *
 *     npx vitest run examples/vitest.test.ts
 *
 * The server can be a process of its own as well. `npx effect-amplitude dev -- npx vitest run` starts one, and sets
 * `AMPLITUDE_SERVER_URL` for the tests: `connect(process.env.AMPLITUDE_SERVER_URL)`.
 */
import { ManagedRuntime } from "effect"
import { Amplitude } from "effect-amplitude"
import { DevServer } from "effect-amplitude/DevServer"
import { connect } from "effect-amplitude/DevServerClient"
import { randomUUID } from "node:crypto"
import { afterAll, beforeAll, describe, expect, it } from "vitest"

// The program under test

interface Shop {
  readonly checkout: (user: string, total: number) => Promise<void>
  readonly close: () => Promise<void>
}

const openShop = (apiKey: string, serverUrl: string): Shop => {
  const analytics = ManagedRuntime.make(Amplitude.layer({ apiKey, serverUrl, flushInterval: 20 }))
  return {
    checkout: (user, total) =>
      analytics.runPromise(Amplitude.track("Checkout Completed", { total, currency: "EUR" }, { user_id: user })),
    close: () => analytics.dispose()
  }
}

// The tests

const runtime = ManagedRuntime.make(DevServer.layer())

let server: DevServer.Service

beforeAll(async () => {
  server = await runtime.runPromise(DevServer)
})

afterAll(() => runtime.dispose())

/** An API key is a project. Each test has its own, so that tests can run at the same time. */
const open = () => {
  const project = randomUUID()
  return { amplitude: connect(server.url, { project }), shop: openShop(project, server.urlV2) }
}

describe.concurrent("a shop", () => {
  it("tracks a checkout", async () => {
    const { amplitude, shop } = open()
    await shop.checkout("user-12345", 20.5)
    // Waits until the event is there. Only the given properties are compared.
    const [event] = await amplitude.expect({
      type: "Checkout Completed",
      user: "user-12345",
      where: { "event_properties.total": 20.5 }
    })
    expect(event?.library).toMatch(/^effect-amplitude\//)
    await shop.close()
  })

  it("loses nothing while the service is away", async () => {
    const { amplitude, shop } = open()
    await amplitude.inject({ answer: { status: 503 }, times: 1 })
    await shop.checkout("user-12345", 20.5)
    await amplitude.expect({ type: "Checkout Completed" })
    const events = await amplitude.events()
    // the newest first: refused, then sent again with the same id
    expect(events.map(({ verdict }) => verdict)).toEqual(["kept", "injected"])
    expect(events[0]?.event["insert_id"]).toBe(events[1]?.event["insert_id"])
    await shop.close()
  })

  it("tracks nothing that Amplitude would refuse, and no checkout twice", async () => {
    const { amplitude, shop } = open()
    await shop.checkout("user-12345", 20.5)
    await shop.close()
    await amplitude.expectNone({ noneAtFault: true, type: "Checkout Failed", within: 50 })
    expect(await amplitude.events({ type: "Checkout Completed" })).toHaveLength(1)
  })

  it("says what is wrong: the event that comes nearest, field by field", async () => {
    const { amplitude, shop } = open()
    await shop.checkout("user-12345", 20.5)
    await shop.close()
    const expected = amplitude.expect({
      type: "Checkout Completed",
      where: { event_properties: { total: 20.5, currency: "USD" } },
      within: 50
    })
    await expect(expected).rejects.toThrow(`event_properties.currency: got "EUR", wanted "USD"`)
    await amplitude.clear()
    expect(await amplitude.events()).toEqual([])
  })
})
