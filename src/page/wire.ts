/** The types of the server's JSON that the page reads. Times are milliseconds since the epoch. */

export type Verdict = "kept" | "fault" | "refused" | "duplicate" | "injected"

export type Json = { readonly [key: string]: unknown }

export interface Reason {
  readonly path: string
  readonly given?: unknown
  readonly wanted: string
  readonly fix: string
  readonly doc: string
}

export interface Alteration {
  readonly path: string
  readonly what: string
}

export interface Violation {
  readonly path: string
  readonly wanted: string
}

/** An event as it arrived, with the verdict of the service. */
export interface ReceivedEvent {
  readonly id: string
  readonly project: string
  readonly receivedAt: number
  readonly request: string
  readonly library: string
  readonly verdict: Verdict
  readonly reasons: ReadonlyArray<Reason>
  readonly because?: string
  readonly of?: string
  readonly alterations: ReadonlyArray<Alteration>
  readonly violations: ReadonlyArray<Violation>
  readonly event: Json
}

/** `GET /api/events` */
export interface EventPage {
  readonly events: ReadonlyArray<ReceivedEvent>
  readonly cursor?: string
  readonly dropped: number
}

/** A property that an event changed. */
export interface Change {
  readonly property: string
  readonly before?: unknown
  readonly after?: unknown
}

/** `GET /api/events/:id` */
export interface EventDetail {
  readonly event: ReceivedEvent
  readonly previous?: { readonly id: string; readonly receivedAt: number }
  readonly changes: ReadonlyArray<Change>
}

export interface UserSummary {
  readonly id: string
  readonly events: number
  readonly notKept: number
  readonly firstSeen: number
  readonly lastSeen: number
  readonly revenue: number
}

/** A property of a user or group, with the event that set it. */
export interface Property {
  readonly name: string
  readonly value: unknown
  readonly event: string
  readonly at: number
}

export interface Session {
  readonly id?: number
  readonly events: ReadonlyArray<ReceivedEvent>
}

/** `GET /api/users/:id` */
export interface UserDetail extends UserSummary {
  readonly properties: ReadonlyArray<Property>
  readonly sessions: ReadonlyArray<Session>
}

export interface GroupSummary {
  readonly type: string
  readonly name: string
  readonly events: number
}

/** `GET /api/groups/:type/:name` */
export interface GroupDetail extends GroupSummary {
  readonly properties: ReadonlyArray<Property>
}

export interface RequestSummary {
  readonly id: string
  readonly project: string
  readonly receivedAt: number
  readonly path: string
  readonly status: number
  readonly events: number
  readonly bytes: number
  readonly library: string
}

/** `GET /api/requests/:id` */
export interface RequestDetail extends RequestSummary {
  readonly headers: { readonly [name: string]: string }
  readonly body: string
  readonly answer: {
    readonly status: number
    readonly headers: { readonly [name: string]: string }
    readonly body: string
  }
  readonly advice: string
  readonly resends: ReadonlyArray<string>
  readonly curl: string
  readonly eventIds: ReadonlyArray<string>
}

export type Counts = { readonly [verdict in Verdict]: number }

/** How near a user is to a limit of the service. */
export interface Limit {
  readonly user: string
  readonly limit: string
  readonly used: number
  readonly of: number
}

/** `GET /api/stats` */
export interface Stats {
  /** The id of the newest event or request that is counted. */
  readonly last: string
  readonly verdicts: Counts
  readonly seconds: ReadonlyArray<Counts & { readonly at: number }>
  readonly limits: ReadonlyArray<Limit>
}

/** `GET /api/plan` */
export interface Plan {
  readonly events: ReadonlyArray<ObservedEvent>
}

export interface ObservedEvent {
  readonly type: string
  readonly count: number
  readonly firstSeen: number
  readonly lastSeen: number
  readonly properties: ReadonlyArray<ObservedProperty>
  readonly violations: ReadonlyArray<Violation & { readonly count: number }>
}

export interface ObservedProperty {
  readonly name: string
  readonly types: ReadonlyArray<string>
  readonly share: number
  readonly examples: ReadonlyArray<unknown>
  readonly firstSeen: number
  readonly lastSeen: number
}

export interface FaultAnswer {
  readonly status: number
  readonly body?: unknown
  readonly headers?: { readonly [name: string]: string }
  readonly delayMs?: number
}

/** `POST /api/faults` */
export interface Fault {
  readonly answer: FaultAnswer | "reset" | "timeout"
  readonly times?: number
  readonly share?: number
  readonly user?: string
  readonly forMs?: number
}

export interface ArmedFault extends Fault {
  readonly id: string
  readonly fired: number
  readonly armed: boolean
}

/** An event that a fault refused, with its returns. */
export interface Delivery {
  readonly insertId: string
  readonly event: string
  readonly refusedAt: number
  /** The times at which the event came again, in order. */
  readonly returns: ReadonlyArray<{ readonly at: number; readonly event: string }>
}

/** `GET /api/faults` */
export interface FaultList {
  readonly faults: ReadonlyArray<ArmedFault>
  readonly deliveries: ReadonlyArray<Delivery>
}
