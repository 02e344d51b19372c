/** What the server remembers, within bounds: the oldest is pushed out first, and counted. */
import * as Arr from "effect/Array"
import * as Option from "effect/Option"
import * as Order from "effect/Order"
import * as Predicate from "effect/Predicate"
import type { DevServer } from "../../DevServer.js"
import { groupBy } from "./groupBy.js"
import * as Ingestion from "./ingestion.js"
import { userOf } from "./matching.js"
import type * as Model from "./model.js"
import * as Output from "./output.js"
import * as Properties from "./properties.js"

type Received = typeof Model.ReceivedEvent.Type
type Fault = typeof Model.Fault.Type
type Counts = { -readonly [verdict in typeof Model.Verdict.Type]: number }

/** An upload as it came. */
export interface Upload {
  readonly path: string
  readonly body: Ingestion.Body
  readonly text: string
  readonly bytes: number
  readonly headers: { readonly [name: string]: string }
  readonly remoteAddress: Option.Option<string>
  readonly now: number
}

interface StoredEvent {
  readonly number: number
  readonly apiKey: string
  readonly received: Received
  readonly kept: DevServer.KeptEvent | undefined
  readonly changes: ReadonlyArray<typeof Model.Change.Type>
}

interface StoredRequest {
  readonly number: number
  readonly apiKey: string
  readonly summary: typeof Model.RequestSummary.Type
  readonly upload: DevServer.ReceivedRequest
  readonly headers: { readonly [name: string]: string }
  readonly text: string
  readonly answer: DevServer.Answer
}

interface Someone {
  events: number
  notKept: number
  readonly firstSeen: number
  lastSeen: number
  revenue: number
  readonly properties: Properties.Properties
}

interface Project {
  readonly counts: Counts
  readonly types: Map<string, number>
  readonly libraries: Map<string, number>
  readonly seconds: Map<number, Counts>
  readonly users: Map<string, Someone>
  readonly groups: Map<string, Someone & { readonly type: string; readonly name: string }>
}

interface Armed {
  readonly id: string
  readonly apiKey: string | undefined
  readonly fault: Fault
  readonly since: number
  fired: number
  isArmed: boolean
}

interface Injected extends Omit<typeof Model.Delivery.Type, "returns"> {
  readonly apiKey: string
  readonly returns: Array<{ readonly at: number; readonly event: string }>
}

/** What the store is told when it is made. */
export interface Options {
  readonly apiKeys: ReadonlyArray<string> | undefined
  readonly rateLimit: boolean
  readonly maxEvents: number
  readonly violations: (event: { readonly [field: string]: unknown }) => ReadonlyArray<typeof Model.Violation.Type>
}

const maxRequests = 1000
const maxUsers = 10_000
const maxProjects = 1000
const maxNames = 1000
const maxText = 100_000
const maxFaults = 100
const secondsShown = 300
const hour = 3_600_000

const noCounts = (): Counts => ({ kept: 0, fault: 0, refused: 0, duplicate: 0, injected: 0 })

const newProject = (): Project => ({
  counts: noCounts(),
  types: new Map(),
  libraries: new Map(),
  seconds: new Map(),
  users: new Map(),
  groups: new Map()
})

/** A key as it is shown. */
export const mask = (apiKey: string): string => apiKey.slice(0, 4)

/** Where each map is oldest. To look for that anew each time, deleted entries would be walked over again and again. */
const oldestOf = new WeakMap<object, IterableIterator<unknown>>()

const oldest = <K, V>(map: Map<K, V>): K | undefined => {
  const held = oldestOf.get(map) as IterableIterator<K> | undefined
  const next = held?.next()
  if (next !== undefined && next.done !== true) {
    return next.value
  }
  const keys = map.keys()
  oldestOf.set(map, keys)
  return keys.next().value
}

/** Adds to a map, and pushes its oldest out when there are more than `limit`. Answers how many went. */
const put = <K, V>(map: Map<K, V>, key: K, value: V, limit: number): number => {
  map.set(key, value)
  return map.size > limit && map.delete(oldest(map) as K) ? 1 : 0
}

const getOrPut = <K, V>(map: Map<K, V>, key: K, make: () => V, limit: number): V => {
  const found = map.get(key)
  if (found !== undefined) {
    return found
  }
  const made = make()
  put(map, key, made, limit)
  return made
}

const someone = (now: number): Someone => ({
  events: 0,
  notKept: 0,
  firstSeen: now,
  lastSeen: now,
  revenue: 0,
  properties: new Map()
})

const revenueOf = ({ event_properties: given, price, quantity, revenue }: DevServer.KeptEvent): number => {
  const properties = Predicate.isRecord(given) ? given : {}
  const found = [revenue, properties.$revenue].find(Predicate.isNumber)
  const each = [price, properties.$price].find(Predicate.isNumber)
  return found ?? (each === undefined ? 0 : each * ([quantity, properties.$quantity].find(Predicate.isNumber) ?? 1))
}

const jsonText = (body: unknown): string =>
  body === undefined ? "" : Predicate.isString(body) ? body : JSON.stringify(body)

/** Everything that the server remembers. Its methods complete at once. */
export class Store {
  readonly #options: Options
  readonly #ingest: ReturnType<typeof Ingestion.ingest>
  #ingestion = Ingestion.initial
  readonly #events = new Map<number, StoredEvent>()
  readonly #requests = new Map<number, StoredRequest>()
  readonly #projects = new Map<string, Project>()
  readonly #faults: Array<Armed> = []
  readonly #injected = new Map<string, Injected>()
  readonly #waiting = new Set<() => void>()
  /** Events and requests share one numbering, which the stream resumes by. */
  #next = 1
  #requestIndex = 0
  #droppedEvents = 0
  #droppedRequests = 0
  /** Grows with each change of the faults. */
  faultChanges = 0
  /** The number of the last clear, and of the key that it cleared. */
  cleared: { readonly number: number; readonly apiKey: string | undefined } = { number: 0, apiKey: undefined }

  constructor(options: Options) {
    this.#options = options
    this.#ingest = Ingestion.ingest(options)
  }

  /** The number of what came last. */
  get last(): number {
    return this.#next - 1
  }

  get dropped(): { readonly events: number; readonly requests: number } {
    return { events: this.#droppedEvents, requests: this.#droppedRequests }
  }

  /** How many uploads came since the last clear. */
  get requestIndex(): number {
    return this.#requestIndex
  }

  /** Calls `listener` at the next change. Answers how to give that up. */
  onChange(listener: () => void): () => void {
    this.#waiting.add(listener)
    return () => void this.#waiting.delete(listener)
  }

  #changed(): void {
    const listeners = Arr.fromIterable(this.#waiting)
    this.#waiting.clear()
    listeners.forEach((listener) => listener())
  }

  /** Takes an upload. With `inPlace`, a fault or an interception answered it. */
  receive(
    upload: Upload,
    inPlace: { readonly answer: DevServer.Answer; readonly because: string } | undefined
  ): DevServer.Answer {
    const apiKey = Ingestion.apiKeyOf(upload.body)
    const given = Ingestion.eventsOf(upload.body)
    const request = this.#next
    const firstEvent = request + 1
    this.#next = firstEvent + given.length
    const outcome = inPlace === undefined ?
      this.#ingest(this.#ingestion, { ...upload, firstEvent }) :
      undefined
    const answer = inPlace?.answer ?? outcome?.answer ?? Ingestion.invalidPath
    if (outcome !== undefined) {
      this.#ingestion = outcome.state
    }
    const project = getOrPut(this.#projects, apiKey, newProject, maxProjects)
    const first = given.find(Predicate.isRecord)
    const library = Predicate.isString(first?.library) ? first.library : upload.headers["user-agent"] ?? ""
    given.forEach((event, index) => {
      const judgement = outcome?.verdicts[index]
      const number = firstEvent + index
      const fields = Predicate.isRecord(event) ? event : {}
      const kept = judgement?.verdict === "kept" ? judgement.kept : undefined
      const received: Received = {
        id: String(number),
        project: mask(apiKey),
        receivedAt: upload.now,
        request: String(request),
        library: Predicate.isString(fields.library) ? fields.library : library,
        verdict: judgement?.verdict ?? "injected",
        reasons: judgement?.verdict === "fault" ? judgement.reasons : [],
        ...(judgement === undefined && inPlace !== undefined ? { because: inPlace.because } : {}),
        ...(judgement?.verdict === "refused" ? { because: judgement.because } : {}),
        ...(judgement?.verdict === "duplicate" ? { of: String(judgement.of) } : {}),
        alterations: judgement?.verdict === "kept" ? judgement.alterations : [],
        violations: kept === undefined ? [] : this.#options.violations(kept),
        event: fields
      }
      const changes = this.#observe(project, received, kept)
      this.#follow(apiKey, received, inPlace !== undefined)
      this.#droppedEvents += put(
        this.#events,
        number,
        { number, apiKey, received, kept, changes },
        this.#options.maxEvents
      )
    })
    this.#droppedRequests += put(this.#requests, request, {
      number: request,
      apiKey,
      summary: {
        id: String(request),
        project: mask(apiKey),
        receivedAt: upload.now,
        path: upload.path,
        status: answer.status,
        events: given.length,
        bytes: upload.bytes,
        library
      },
      upload: {
        path: upload.path,
        events: given.length,
        bytes: upload.bytes,
        ...(upload.headers["content-encoding"] === undefined ?
          {} :
          { contentEncoding: upload.headers["content-encoding"] }),
        receivedAt: upload.now,
        status: answer.status
      },
      headers: upload.headers,
      text: upload.text.slice(0, maxText),
      answer
    }, maxRequests)
    this.#requestIndex++
    this.#changed()
    return answer
  }

  #observe(
    project: Project,
    { event, id, library, receivedAt, verdict }: Received,
    kept: DevServer.KeptEvent | undefined
  ): ReadonlyArray<typeof Model.Change.Type> {
    project.counts[verdict]++
    const second = receivedAt - receivedAt % 1000
    getOrPut(project.seconds, second, noCounts, secondsShown)[verdict]++
    const count = (map: Map<string, number>, name: string) =>
      map.has(name) || map.size < maxNames ? map.set(name, (map.get(name) ?? 0) + 1) : map
    count(project.types, Predicate.isString(event.event_type) ? event.event_type : "")
    count(project.libraries, library)
    const name = userOf(event)
    const changes: Array<typeof Model.Change.Type> = []
    if (name !== "") {
      const user = getOrPut(project.users, name, () => someone(receivedAt), maxUsers)
      user.lastSeen = receivedAt
      user.events++
      user.notKept += kept === undefined ? 1 : 0
      user.revenue += kept === undefined ? 0 : revenueOf(kept)
      if (kept?.user_properties !== undefined) {
        changes.push(...Properties.apply(user.properties, kept.user_properties, id, receivedAt))
      }
    }
    if (kept !== undefined && Predicate.isRecord(kept.groups)) {
      for (const [type, names] of Object.entries(kept.groups)) {
        for (const name of Arr.ensure(names).filter(Predicate.isString)) {
          const key = JSON.stringify([type, name])
          const group = getOrPut(project.groups, key, () => ({ ...someone(receivedAt), type, name }), maxUsers)
          group.lastSeen = receivedAt
          group.events++
          if (kept.event_type === "$groupidentify") {
            changes.push(...Properties.apply(group.properties, kept.group_properties, id, receivedAt))
          }
        }
      }
    }
    return changes
  }

  /** Notes which events a fault refused, and which of them came again. */
  #follow(apiKey: string, { event, id, receivedAt }: Received, isInjected: boolean): void {
    const { device_id, insert_id } = event
    if (!Predicate.isString(insert_id) || (!isInjected && this.#injected.size === 0)) {
      return
    }
    const key = JSON.stringify([apiKey, device_id ?? event.user_id, insert_id])
    const known = this.#injected.get(key)
    if (known !== undefined) {
      known.returns.push({ at: receivedAt, event: id })
    } else if (isInjected) {
      put(
        this.#injected,
        key,
        { apiKey, insertId: insert_id, event: id, refusedAt: receivedAt, returns: [] },
        maxRequests
      )
    }
  }

  // Faults

  arm(fault: Fault, apiKey: string | undefined, now: number): void {
    this.faultChanges++
    this.#faults.push({ id: `fault-${this.faultChanges}`, apiKey, fault, since: now, fired: 0, isArmed: true })
    this.#faults.splice(0, Math.max(0, this.#faults.length - maxFaults))
    this.#changed()
  }

  disarm(apiKey: string | undefined): void {
    this.faultChanges++
    this.#faults.filter((armed) => apiKey === undefined || armed.apiKey === apiKey).forEach((armed) => {
      armed.isArmed = false
    })
    this.#changed()
  }

  /** The fault that answers an upload, if any. `chance` is from 0 to 1. */
  fire(upload: Upload, chance: number): Armed | undefined {
    const apiKey = Ingestion.apiKeyOf(upload.body)
    const events = Ingestion.eventsOf(upload.body).filter(Predicate.isRecord)
    const found = this.#faults.find((armed) => {
      const { share, user } = armed.fault
      return this.#isArmed(armed, upload.now) && (armed.apiKey === undefined || armed.apiKey === apiKey) &&
        (user === undefined || events.some((event) => event.user_id === user || event.device_id === user)) &&
        (share === undefined || chance < share)
    })
    if (found !== undefined) {
      found.fired++
      this.faultChanges++
    }
    return found
  }

  #isArmed({ fault: { forMs, times }, fired, isArmed, since }: Armed, now: number): boolean {
    return isArmed && (times === undefined || fired < times) && (forMs === undefined || now < since + forMs)
  }

  faults(apiKey: string | undefined, now: number): typeof Model.FaultList.Type {
    return {
      faults: this.#faults.filter((armed) =>
        apiKey === undefined || armed.apiKey === undefined || armed.apiKey === apiKey
      )
        .map((armed) => ({ ...armed.fault, id: armed.id, fired: armed.fired, armed: this.#isArmed(armed, now) })),
      deliveries: Arr.fromIterable(this.#injected.values()).filter((it) => apiKey === undefined || it.apiKey === apiKey)
        .map(({ event, insertId, refusedAt, returns }) => ({ event, insertId, refusedAt, returns: [...returns] }))
    }
  }

  // Reading

  #select(apiKey: string | undefined): ReadonlyArray<StoredEvent> {
    const all = Arr.fromIterable(this.#events.values())
    return apiKey === undefined ? all : all.filter((stored) => stored.apiKey === apiKey)
  }

  #projectsOf(apiKey: string | undefined): ReadonlyArray<readonly [string, Project]> {
    const all = Arr.fromIterable(this.#projects)
    return apiKey === undefined ? all : all.filter(([key]) => key === apiKey)
  }

  /** Oldest first. */
  received(apiKey?: string): ReadonlyArray<Received> {
    return this.#select(apiKey).map(({ received }) => received)
  }

  kept(apiKey?: string): ReadonlyArray<DevServer.KeptEvent> {
    return this.#select(apiKey).flatMap(({ kept }) => kept === undefined ? [] : [kept])
  }

  uploads(): ReadonlyArray<DevServer.ReceivedRequest> {
    return Arr.map(Arr.fromIterable(this.#requests.values()), ({ upload }) => upload)
  }

  /** What came after a number, oldest first. */
  since(number: number, apiKey: string | undefined): {
    readonly events: ReadonlyArray<Received>
    readonly requests: ReadonlyArray<typeof Model.RequestSummary.Type>
  } {
    if (number >= this.last) {
      return { events: [], requests: [] }
    }
    return {
      events: this.#select(apiKey).filter((stored) => stored.number > number).map(({ received }) => received),
      requests: Arr.fromIterable(this.#requests.values())
        .filter((stored) => stored.number > number && (apiKey === undefined || stored.apiKey === apiKey))
        .map(({ summary }) => summary)
    }
  }

  event(id: string, apiKey: string | undefined): Option.Option<typeof Model.EventDetail.Type> {
    const found = this.#events.get(Number(id))
    if (found === undefined || (apiKey !== undefined && found.apiKey !== apiKey)) {
      return Option.none()
    }
    const previous = Arr.findLast(
      this.received(found.apiKey),
      ({ event, id }) => Number(id) < found.number && event.event_type === found.received.event.event_type
    )
    const request = this.#requests.get(Number(found.received.request))
    return Option.some({
      event: found.received,
      ...(request === undefined ? {} : { request: request.summary }),
      ...(Option.isNone(previous) ?
        {} :
        { previous: { id: previous.value.id, receivedAt: previous.value.receivedAt } }),
      changes: found.changes
    })
  }

  users(apiKey: string | undefined): typeof Model.UserList.Type {
    const users = this.#projectsOf(apiKey).flatMap(([, { users }]) => Arr.fromIterable(users))
    return {
      users: Arr.sort(
        users.map(([id, { properties: _, ...user }]) => ({ id, ...user })),
        Order.reverse(Order.mapInput(Order.number, (user: { readonly lastSeen: number }) => user.lastSeen))
      )
    }
  }

  user(id: string, apiKey: string | undefined): Option.Option<typeof Model.UserDetail.Type> {
    return Option.map(
      Arr.findFirst(this.#projectsOf(apiKey), ([, { users }]) => users.has(id)),
      ([key, { users }]) => {
        const { properties, ...user } = users.get(id) ?? someone(0)
        const sessions = groupBy(
          this.received(key).filter(({ event }) => userOf(event) === id),
          ({ event }) => Predicate.isNumber(event.session_id) && event.session_id >= 0 ? event.session_id : undefined
        )
        return {
          id,
          ...user,
          properties: propertiesOf(properties),
          sessions: Arr.map(Arr.fromIterable(sessions), ([session, events]) => ({
            ...(session === undefined ? {} : { id: session }),
            events
          }))
        }
      }
    )
  }

  groups(apiKey: string | undefined): typeof Model.GroupList.Type {
    return {
      groups: this.#projectsOf(apiKey).flatMap(([, { groups }]) =>
        Arr.fromIterable(groups.values()).map(({ events, name, type }) => ({ events, name, type }))
      )
    }
  }

  group(type: string, name: string, apiKey: string | undefined): Option.Option<typeof Model.GroupDetail.Type> {
    const key = JSON.stringify([type, name])
    return Arr.findFirst(
      this.#projectsOf(apiKey),
      ([, { groups }]) =>
        Option.map(Option.fromNullable(groups.get(key)), ({ events, properties }) => ({
          type,
          name,
          events,
          properties: propertiesOf(properties)
        }))
    )
  }

  /** The newest first. */
  requestList(apiKey: string | undefined, limit: number): typeof Model.RequestList.Type {
    return {
      requests: Arr.fromIterable(this.#requests.values())
        .filter((stored) => apiKey === undefined || stored.apiKey === apiKey)
        .map(({ summary }) => summary).reverse().slice(0, limit),
      dropped: this.#droppedRequests
    }
  }

  request(id: string, apiKey: string | undefined, url: string): Option.Option<typeof Model.RequestDetail.Type> {
    const found = this.#requests.get(Number(id))
    if (found === undefined || (apiKey !== undefined && found.apiKey !== apiKey)) {
      return Option.none()
    }
    const events = this.received(found.apiKey)
    const own = events.filter(({ request }) => request === id)
    const keyOf = ({ event: { device_id, insert_id, user_id } }: Received): string =>
      Predicate.isString(insert_id) ? JSON.stringify([device_id ?? user_id, insert_id]) : ""
    const keys = new Set(own.map(keyOf).filter((key) => key !== ""))
    const again = events.filter((event) => Number(event.request) > found.number && keys.has(keyOf(event)))
    const masked = (text: string): string =>
      found.apiKey === "" ? text : text.replaceAll(found.apiKey, `${mask(found.apiKey)}…`)
    return Option.some({
      ...found.summary,
      headers: Object.fromEntries(Object.entries(found.headers).map(([name, value]) => [name, masked(value)])),
      body: masked(found.text),
      answer: {
        status: found.answer.status,
        headers: { ...found.answer.headers },
        body: masked(jsonText(found.answer.body))
      },
      advice: Output.advice(found.answer.status, found.summary.events),
      resends: Arr.dedupe(again.map(({ request }) => request)),
      curl: Output.curl(
        `${url}${found.summary.path}`,
        found.headers["content-type"] ?? "application/json",
        found.text,
        found.apiKey
      ),
      eventIds: own.map(({ id }) => id)
    })
  }

  stats(apiKey: string | undefined, now: number): typeof Model.Stats.Type {
    const projects = this.#projectsOf(apiKey)
    const verdicts = noCounts()
    const seconds = new Map<number, Counts>()
    const types = new Map<string, number>()
    const libraries = new Map<string, number>()
    const add = (to: Counts, from: Counts) => {
      to.kept += from.kept
      to.fault += from.fault
      to.refused += from.refused
      to.duplicate += from.duplicate
      to.injected += from.injected
    }
    for (const [, project] of projects) {
      add(verdicts, project.counts)
      project.seconds.forEach((counts, at) => {
        if (at > now - secondsShown * 1000) {
          add(getOrPut(seconds, at, noCounts, secondsShown), counts)
        }
      })
      project.types.forEach((count, name) => types.set(name, (types.get(name) ?? 0) + count))
      project.libraries.forEach((count, name) => libraries.set(name, (libraries.get(name) ?? 0) + count))
    }
    const usages = projects.flatMap(([key]) => Ingestion.usage(this.#ingestion, key, now))
    const updates = new Map<string, number>()
    for (const { kept, received: { receivedAt } } of this.#select(apiKey)) {
      if (kept?.user_properties !== undefined && receivedAt > now - hour) {
        updates.set(userOf(kept), (updates.get(userOf(kept)) ?? 0) + 1)
      }
    }
    return {
      last: String(this.last),
      verdicts,
      types: Object.fromEntries(types),
      libraries: Object.fromEntries(libraries),
      seconds: Arr.sort(
        Arr.map(Arr.fromIterable(seconds), ([at, counts]) => ({ ...counts, at })),
        Order.mapInput(Order.number, (second: { readonly at: number }) => second.at)
      ),
      limits: [
        ...usages.flatMap(({ eventsPerDay, eventsPerSecond, id, path }) =>
          path === "/batch" ?
            [
              { user: id, limit: "events per second, Batch", used: eventsPerSecond, of: 1000 },
              { user: id, limit: "events per day, Batch", used: eventsPerDay, of: 500_000 }
            ] :
            [{ user: id, limit: "events per second, HTTP V2", used: eventsPerSecond, of: 30 }]
        ),
        ...Arr.map(Arr.fromIterable(updates), ([user, used]) => ({
          user,
          limit: "property updates per hour",
          used,
          of: 1800
        }))
      ]
    }
  }

  /** Forgets one API key, or everything. */
  clear(apiKey: string | undefined): void {
    this.cleared = { number: this.#next++, apiKey }
    this.faultChanges++
    const forget = <K, V extends { readonly apiKey?: string | undefined }>(map: Map<K, V>): void =>
      map.forEach((value, key) => apiKey === undefined || value.apiKey === apiKey ? map.delete(key) : undefined)
    forget(this.#events)
    forget(this.#requests)
    forget(this.#injected)
    this.#faults.splice(
      0,
      this.#faults.length,
      ...(apiKey === undefined ? [] : this.#faults.filter((armed) => armed.apiKey !== apiKey))
    )
    if (apiKey === undefined) {
      this.#ingestion = Ingestion.initial
      this.#projects.clear()
      this.#droppedEvents = 0
      this.#droppedRequests = 0
      this.#requestIndex = 0
    } else {
      this.#ingestion = Ingestion.forget(this.#ingestion, apiKey)
      this.#projects.delete(apiKey)
    }
    this.#changed()
  }
}

const propertiesOf = (properties: Properties.Properties): ReadonlyArray<typeof Model.Property.Type> =>
  Arr.map(Arr.fromIterable(properties), ([name, property]) => ({ name, ...property }))
