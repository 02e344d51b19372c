/** The state of the server. It is bounded: the oldest data are dropped first, and counted. */
import * as Arr from "effect/Array"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type { DevServer } from "../../DevServer.js"
import * as Answers from "./answers.js"
import { getOrPut, put } from "./boundedMap.js"
import { type Armed, Faults } from "./faults.js"
import { type HeldUpload, HeldUploads, type Note } from "./heldUploads.js"
import * as Ingestion from "./ingestion.js"
import { Memory, nothing } from "./memory.js"
import type * as Model from "./model.js"
import * as People from "./people.js"
import * as Project from "./project.js"
import * as ReceivedEvents from "./receivedEvents.js"
import * as RequestBody from "./requestBody.js"
import { apiKeyOf, eventCount, eventsOf } from "./requestBody.js"
import * as Requests from "./requestDetail.js"
import { statsOf } from "./stats.js"
import { usage } from "./traffic.js"

type Received = typeof Model.ReceivedEvent.Type

/** An upload as it arrived. */
export interface Upload {
  readonly path: string
  readonly body: RequestBody.Body
  readonly text: string
  readonly bytes: number
  readonly headers: { readonly [name: string]: string }
  readonly remoteAddress: Option.Option<string>
  readonly now: number
}

/** An answer in place of the service, and its reason. */
export interface InPlace {
  readonly answer: DevServer.Answer
  readonly because: string
}

/** A subscriber of the events. */
export interface Subscriber {
  /** Takes the events of one upload, with their verdicts. */
  readonly events: (events: ReadonlyArray<Received>) => void
  /** No further events will come. */
  readonly end: () => void
}

/** The options of the store. */
export interface Options {
  readonly apiKeys: ReadonlyArray<string> | undefined
  readonly rateLimit: boolean
  readonly maxEvents: number
  readonly violations: ReceivedEvents.Violations
}

/** The state of one API key. */
interface Known {
  readonly memory: Memory
  readonly project: Project.Project
}

const maxProjects = 200

/** The state of the server. Its methods are synchronous. */
export class Store {
  readonly #ingest: ReturnType<typeof Ingestion.ingest>
  readonly #violations: ReceivedEvents.Violations
  readonly #uploads: HeldUploads
  readonly #projects = new Map<string, Known>()
  readonly #faults = new Faults()
  readonly #waiting = new Set<() => void>()
  readonly #subscribers = new Set<Subscriber>()
  #hasEnded = false
  /** The next number. Events and requests share their numbers, so that the stream can resume by one number. */
  #next = 1
  #requestIndex = 0
  /** The number at the last clear of anything, at the last clear of everything, and at the last clear of a project. */
  #cleared = 0
  #clearedAll = 0
  readonly #clearedProjects = new Map<string, number>()

  constructor(options: Options) {
    this.#ingest = Ingestion.ingest(options)
    this.#violations = options.violations
    this.#uploads = new HeldUploads(options.maxEvents)
  }

  /** The number of the newest event or request. */
  get last(): number {
    return this.#next - 1
  }

  /** How many events and requests were dropped. */
  get dropped(): { readonly events: number; readonly requests: number } {
    return this.#uploads.dropped
  }

  /** Whether one API key, or anything, was cleared after a number. */
  isCleared(after: number, apiKey: string | undefined): boolean {
    return apiKey === undefined ?
      this.#cleared > after :
      Math.max(this.#clearedAll, this.#clearedProjects.get(apiKey) ?? 0) > after
  }

  /** How many uploads arrived since the last clear. */
  get requestIndex(): number {
    return this.#requestIndex
  }

  /** The number of changes of the faults so far. */
  get faultChanges(): number {
    return this.#faults.changes
  }

  /** Calls `listener` once, at the next change. The result removes the listener. */
  onChange(listener: () => void): () => void {
    this.#waiting.add(listener)
    return () => void this.#waiting.delete(listener)
  }

  #changed(): void {
    const listeners = Arr.fromIterable(this.#waiting)
    this.#waiting.clear()
    listeners.forEach((listener) => listener())
  }

  /** Gives a subscriber each event as it is received. The result removes the subscriber. */
  subscribe(subscriber: Subscriber): () => void {
    if (this.#hasEnded) {
      subscriber.end()
    } else {
      this.#subscribers.add(subscriber)
    }
    return () => void this.#subscribers.delete(subscriber)
  }

  /** Ends the subscriptions. */
  end(): void {
    this.#hasEnded = true
    this.#subscribers.forEach(({ end }) => end())
    this.#subscribers.clear()
  }

  /** Receives an upload. `inPlace` is the answer of a fault or of `intercept`. */
  receive(upload: Upload, inPlace: InPlace | undefined): DevServer.Answer {
    const { body: _, ...rest } = upload
    const apiKey = apiKeyOf(upload.body)
    const number = this.#next
    const events = eventCount(upload.body)
    this.#next += events + 1
    const { memory, project } = this.#known(apiKey)
    const outcome = inPlace === undefined ?
      this.#ingest(memory, { ...upload, firstEvent: number + 1 }) :
      undefined
    memory.remember(outcome?.remembered ?? nothing)
    const answer = inPlace?.answer ?? outcome?.answer ?? Answers.invalidPath
    const first = eventsOf(upload.body).find(Predicate.isRecord)
    const library = ReceivedEvents.libraryOf(first ?? {}, upload.headers["user-agent"] ?? "")
    const notes = this.#judge(upload, project, apiKey, number + 1, library, outcome?.verdicts, inPlace?.because)
    const held: HeldUpload = {
      ...rest,
      number,
      apiKey,
      library,
      answer,
      ...(inPlace === undefined ? undefined : { inPlaceBecause: inPlace.because }),
      events,
      notes
    }
    this.#uploads.add(held)
    if (this.#subscribers.size > 0) {
      const content = { events: eventsOf(upload.body), minIdLength: RequestBody.minIdLengthOf(upload.body) }
      const received = ReceivedEvents.receivedOf({ upload: held, first: 0, content }, this.#violations)
      this.#subscribers.forEach(({ events }) => events(received))
    }
    this.#requestIndex++
    this.#changed()
    return answer
  }

  /** Adds the events of an upload to their project. */
  #judge(
    upload: Upload,
    project: Project.Project,
    apiKey: string,
    firstEvent: number,
    library: string,
    verdicts: ReadonlyArray<Ingestion.Judgement> | undefined,
    injectedBecause: string | undefined
  ): ReadonlyArray<Note> {
    const given = eventsOf(upload.body)
    const shared = notesOf(verdicts, injectedBecause)
    const notes = given.slice(0, Ingestion.maxVerdicts).map((given, index): Note => {
      const event = Predicate.isRecord(given) ? given : {}
      const id = String(firstEvent + index)
      const judgement = verdicts?.[index]
      const verdict = judgement?.verdict ?? "injected"
      const changes = Project.observe(project, {
        id,
        event,
        library: ReceivedEvents.libraryOf(event, library),
        receivedAt: upload.now,
        verdict,
        kept: judgement?.verdict === "kept" ? judgement.event : undefined
      })
      this.#faults.follow(apiKey, event, id, upload.now, judgement === undefined)
      return judgement?.verdict === "duplicate" ?
        { verdict: "duplicate", of: String(judgement.of), changes } :
        changes.length > 0 ?
        { verdict, changes } :
        shared[verdict]
    })
    if (given.length > notes.length) {
      Project.countMany(
        project,
        verdicts === undefined ? "injected" : "refused",
        upload.now,
        given.length - notes.length
      )
    }
    return notes
  }

  #known(apiKey: string): Known {
    return getOrPut(this.#projects, apiKey, () => ({ memory: new Memory(), project: Project.make() }), maxProjects)
  }

  // Faults

  /** Arms a fault for one API key, or for all. */
  arm(fault: typeof Model.Fault.Type, apiKey: string | undefined, now: number): void {
    this.#faults.arm(fault, apiKey, now)
    this.#changed()
  }

  /** Switches off the faults of one API key, or all. */
  disarm(apiKey: string | undefined): void {
    this.#faults.disarm(apiKey)
    this.#changed()
  }

  /** The fault that answers an upload, if any. `chance` is a random number from 0 to 1. */
  fire({ body, now }: Upload, chance: number): Armed | undefined {
    return this.#faults.fire({ apiKey: apiKeyOf(body), events: eventsOf(body), now }, chance)
  }

  /** The faults, and the returns of the events that they refused. */
  faults(apiKey: string | undefined, now: number): typeof Model.FaultList.Type {
    return this.#faults.list(apiKey, now)
  }

  // Events

  /** The held events with their verdicts, oldest first. */
  received(apiKey?: string): ReadonlyArray<Received> {
    return Arr.flatMap(
      Arr.fromIterable(this.#uploads.oldestFirst(apiKey)),
      (found) => ReceivedEvents.receivedOf(found, this.#violations)
    )
  }

  /** The held events with their verdicts, newest first. Each upload is parsed when its events are read. */
  *newestFirst(apiKey: string | undefined): Generator<Received> {
    for (const found of this.#uploads.newestFirst(apiKey)) {
      yield* ReceivedEvents.receivedOf(found, this.#violations).slice().reverse()
    }
  }

  /** The kept events as the service keeps them, oldest first. */
  kept(apiKey?: string): ReadonlyArray<DevServer.KeptEvent> {
    return Arr.flatMap(Arr.fromIterable(this.#uploads.oldestFirst(apiKey)), ReceivedEvents.keptOf)
  }

  /** The events and requests after a number, oldest first. */
  since(number: number, apiKey: string | undefined): {
    readonly events: ReadonlyArray<Received>
    readonly requests: ReadonlyArray<typeof Model.RequestSummary.Type>
  } {
    return number >= this.last ?
      { events: [], requests: [] } :
      {
        events: Arr.flatMap(
          Arr.fromIterable(this.#uploads.oldestFirst(apiKey, number)),
          (found) => ReceivedEvents.receivedOf(found, this.#violations)
        ).filter(({ id }) => Number(id) > number),
        requests: this.#uploads.requests(apiKey).filter((upload) => upload.number > number).map(Requests.summaryOf)
      }
  }

  /** One event, with its request and the previous event of its type. */
  event(id: string, apiKey: string | undefined): Option.Option<typeof Model.EventDetail.Type> {
    const number = Number(id)
    const found = this.#uploads.ofEvent(number)
    if (found === undefined || (apiKey !== undefined && found.upload.apiKey !== apiKey)) {
      return Option.none()
    }
    const index = number - found.upload.number - 1
    const event = ReceivedEvents.receivedAt(found, index, this.#violations)
    const request = this.#uploads.request(found.upload.number)
    const previous = this.#previous(event, found.upload.apiKey)
    return Option.some({
      event,
      ...(request === undefined ? {} : { request: Requests.summaryOf(request) }),
      ...(previous === undefined ? {} : { previous: { id: previous.id, receivedAt: previous.receivedAt } }),
      changes: found.upload.notes[index]?.changes ?? []
    })
  }

  #previous({ event, id }: Received, apiKey: string): Received | undefined {
    for (const other of this.newestFirst(apiKey)) {
      if (Number(other.id) < Number(id) && other.event.event_type === event.event_type) {
        return other
      }
    }
    return undefined
  }

  // Requests

  /** The held uploads, oldest first. */
  get held(): ReadonlyArray<HeldUpload> {
    return this.#uploads.all
  }

  /** The uploads as `DevServer.requests` gives them, oldest first. */
  uploads(): ReadonlyArray<DevServer.ReceivedRequest> {
    return this.#uploads.requests(undefined).map(({ answer, bytes, events, headers, now, path }) => ({
      path,
      events,
      bytes,
      ...(headers["content-encoding"] === undefined ? {} : { contentEncoding: headers["content-encoding"] }),
      receivedAt: now,
      status: answer.status
    }))
  }

  /** The newest requests, newest first. */
  requestList(apiKey: string | undefined, limit: number): typeof Model.RequestList.Type {
    return {
      requests: this.#uploads.requests(apiKey).map(Requests.summaryOf).reverse().slice(0, Math.max(0, limit)),
      dropped: this.dropped.requests
    }
  }

  /** One request as it was sent, with its answer. */
  request(id: string, apiKey: string | undefined, url: string): Option.Option<typeof Model.RequestDetail.Type> {
    return Option.fromNullable(this.#uploads.request(Number(id))).pipe(
      Option.filter((upload) => apiKey === undefined || upload.apiKey === apiKey),
      Option.map((upload) => Requests.detailOf(upload, this.received(upload.apiKey), url))
    )
  }

  // Users, groups, counts

  #projectsOf(apiKey: string | undefined): ReadonlyArray<Project.Project> {
    return this.#knownOf(apiKey).map(([, { project }]) => project)
  }

  #knownOf(apiKey: string | undefined): ReadonlyArray<readonly [string, Known]> {
    const all = Arr.fromIterable(this.#projects)
    return apiKey === undefined ? all : all.filter(([key]) => key === apiKey)
  }

  /** The users, the last seen first. */
  users(apiKey: string | undefined): typeof Model.UserList.Type {
    return People.usersOf(this.#projectsOf(apiKey))
  }

  /** One user with the events by session. */
  user(id: string, apiKey: string | undefined): Option.Option<typeof Model.UserDetail.Type> {
    return People.userDetail(this.#projectsOf(apiKey), id, this.received(apiKey))
  }

  groups(apiKey: string | undefined): typeof Model.GroupList.Type {
    return People.groupsOf(this.#projectsOf(apiKey))
  }

  group(type: string, name: string, apiKey: string | undefined): Option.Option<typeof Model.GroupDetail.Type> {
    return People.groupDetail(this.#projectsOf(apiKey), type, name)
  }

  stats(apiKey: string | undefined, now: number): typeof Model.Stats.Type {
    return {
      last: String(this.last),
      ...statsOf(
        this.#projectsOf(apiKey),
        this.#knownOf(apiKey).flatMap(([, known]) => usage(usersOf(known), now)),
        now
      )
    }
  }

  /** Forgets one API key, or everything. */
  clear(apiKey: string | undefined): void {
    this.#cleared = this.#next++
    this.#uploads.clear(apiKey)
    this.#faults.clear(apiKey)
    if (apiKey === undefined) {
      this.#clearedAll = this.#cleared
      this.#projects.clear()
      this.#requestIndex = 0
    } else {
      this.#clearedProjects.delete(apiKey)
      put(this.#clearedProjects, apiKey, this.#cleared, maxProjects)
      this.#projects.delete(apiKey)
    }
    this.#changed()
  }
}

/** The traffic of users. A device that sent events without a `user_id` is a user too. */
const usersOf = ({ memory, project }: Known): Memory["senders"] =>
  memory.senders.filter(({ field, id, path }) =>
    field === "user_id" || (project.users.has(id) && memory.sender(path, "user_id", id) === undefined)
  )

/** One shared note for each verdict, for events without further details. */
const notesOf = (
  verdicts: ReadonlyArray<Ingestion.Judgement> | undefined,
  injectedBecause: string | undefined
): { readonly [verdict in typeof Model.Verdict.Type]: Note } => {
  const refused = verdicts?.find(({ verdict }) => verdict === "refused")
  const changes: Note["changes"] = []
  return {
    kept: { verdict: "kept", changes },
    fault: { verdict: "fault", changes },
    duplicate: { verdict: "duplicate", changes },
    refused: { verdict: "refused", changes, ...(refused?.verdict === "refused" ? { because: refused.because } : {}) },
    injected: { verdict: "injected", changes, ...(injectedBecause === undefined ? {} : { because: injectedBecause }) }
  }
}
