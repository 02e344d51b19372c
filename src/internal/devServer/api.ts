/** The routes of the server without ingestion. `GET /api/openapi.json` describes them. */
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Schema from "effect/Schema"
import * as Model from "./model.js"

/** Nothing has the given id. */
export class NotFound extends Schema.TaggedError<NotFound>()(
  "NotFound",
  { message: Schema.String },
  HttpApiSchema.annotations({ status: 404 })
) {}

/** A request that the server does not carry out. */
export class BadRequest extends Schema.TaggedError<BadRequest>()(
  "BadRequest",
  { message: Schema.String },
  HttpApiSchema.annotations({ status: 400 })
) {}

/** The expected events did not arrive in time, or an unexpected event arrived. */
export class ExpectationFailed extends Schema.TaggedError<ExpectationFailed>()(
  "ExpectationFailed",
  {
    message: Schema.String,
    matches: Schema.Array(Model.ReceivedEvent),
    nearest: Schema.optionalWith(Model.NearestMiss, { exact: true })
  },
  HttpApiSchema.annotations({ status: 409 })
) {}

const text = Schema.optionalWith(Schema.String, { exact: true })
const number = Schema.optionalWith(Schema.NumberFromString.pipe(Schema.nonNaN()), { exact: true })

/** Selects a project by its whole API key. Default: all projects. The guard of the server reads `token`. */
export class OfProject extends Schema.Struct({ project: text, token: text }).annotations(Model.known) {}

/** Selects events. `q` is free text, `since` a time, and `cursor` comes from the page before. */
export class EventFilter extends Schema.Struct({
  ...OfProject.fields,
  type: text,
  user: text,
  verdict: Schema.optionalWith(Model.Verdict, { exact: true }),
  library: text,
  since: number,
  q: text,
  limit: number,
  cursor: Schema.optionalWith(Schema.String.pipe(Schema.pattern(/^\d+$/)), { exact: true })
}).annotations(Model.known) {}

/** Selects requests. */
export class RequestFilter extends Schema.Struct({ ...OfProject.fields, limit: number }).annotations(Model.known) {}

/** Selects the events to export, and their format. */
export class ExportFilter extends Schema.Struct({
  ...EventFilter.fields,
  format: Schema.optionalWith(Schema.Literal("ndjson", "csv", "fixture"), { exact: true })
}).annotations(Model.known) {}

const Id = Schema.Struct({ id: Schema.String })

class Routes extends HttpApiGroup.make("devServer")
  .add(HttpApiEndpoint.get("events", "/api/events").setUrlParams(EventFilter).addSuccess(Model.EventPage))
  .add(
    HttpApiEndpoint.get("event", "/api/events/:id").setPath(Id).setUrlParams(OfProject)
      .addSuccess(Model.EventDetail).addError(NotFound)
  )
  .add(HttpApiEndpoint.get("users", "/api/users").setUrlParams(OfProject).addSuccess(Model.UserList))
  .add(
    HttpApiEndpoint.get("user", "/api/users/:id").setPath(Id).setUrlParams(OfProject)
      .addSuccess(Model.UserDetail).addError(NotFound)
  )
  .add(HttpApiEndpoint.get("groups", "/api/groups").setUrlParams(OfProject).addSuccess(Model.GroupList))
  .add(
    HttpApiEndpoint.get("group", "/api/groups/:type/:name")
      .setPath(Schema.Struct({ type: Schema.String, name: Schema.String })).setUrlParams(OfProject)
      .addSuccess(Model.GroupDetail).addError(NotFound)
  )
  .add(HttpApiEndpoint.get("requests", "/api/requests").setUrlParams(RequestFilter).addSuccess(Model.RequestList))
  .add(
    HttpApiEndpoint.get("request", "/api/requests/:id").setPath(Id).setUrlParams(OfProject)
      .addSuccess(Model.RequestDetail).addError(NotFound)
  )
  .add(HttpApiEndpoint.get("stats", "/api/stats").setUrlParams(OfProject).addSuccess(Model.Stats))
  .add(HttpApiEndpoint.get("plan", "/api/plan").setUrlParams(OfProject).addSuccess(Model.ObservedPlan))
  .add(
    HttpApiEndpoint.get("stream", "/api/stream").setUrlParams(OfProject).addSuccess(
      HttpApiSchema.Text({ contentType: "text/event-stream" }).annotations({
        description:
          "Server-sent events: `event` and `request` carry JSON arrays, `fault` and `cleared` an empty object."
      })
    )
  )
  .add(HttpApiEndpoint.get("faults", "/api/faults").setUrlParams(OfProject).addSuccess(Model.FaultList))
  .add(
    HttpApiEndpoint.post("inject", "/api/faults").setUrlParams(OfProject).setPayload(Model.Fault)
      .addSuccess(Model.FaultList)
  )
  .add(HttpApiEndpoint.del("disarm", "/api/faults").setUrlParams(OfProject).addSuccess(Model.FaultList))
  .add(
    HttpApiEndpoint.post("expect", "/api/expect").setUrlParams(OfProject).setPayload(Model.Matcher)
      .addSuccess(Model.Expected).addError(ExpectationFailed)
  )
  .add(
    HttpApiEndpoint.post("clear", "/api/clear").setUrlParams(OfProject)
      .addSuccess(Schema.Struct({ cleared: Schema.Boolean })).addError(BadRequest)
  )
  .add(HttpApiEndpoint.get("export", "/api/export").setUrlParams(ExportFilter).addSuccess(HttpApiSchema.Text()))
  .add(
    HttpApiEndpoint.get("kept", "/events").setUrlParams(OfProject).addSuccess(
      Schema.Array(Model.JsonObject).annotations({ description: "The events that were kept, oldest first." })
    )
  )
  .add(
    HttpApiEndpoint.get("openapi", "/api/openapi.json").addSuccess(
      Model.JsonObject.annotations({ description: "This description." })
    )
  )
{}

/** The API of the server without ingestion and the page. */
export class Api extends HttpApi.make("DevServer").add(Routes)
  .annotate(OpenApi.Title, "DevServer of effect-amplitude")
  .annotate(OpenApi.Version, "0.1.0")
{}
