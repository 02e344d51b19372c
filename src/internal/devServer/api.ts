/** The routes of the server beside ingestion, as they are described at `GET /api/openapi.json`. */
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Schema from "effect/Schema"
import * as Model from "./model.js"

/** There is nothing of that id. */
export class NotFound extends Schema.TaggedError<NotFound>()(
  "NotFound",
  { message: Schema.String },
  HttpApiSchema.annotations({ status: 404 })
) {}

/** What was expected did not come in time, or what was not expected came. */
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
const number = Schema.optionalWith(Schema.NumberFromString, { exact: true })

/** Of which project, by its whole key; of all without one. */
export class OfProject extends Schema.Struct({ project: text }) {}

/** Which events. `q` is free text; `since` is a time; `cursor` comes from the page before. */
export class EventFilter extends Schema.Struct({
  ...OfProject.fields,
  type: text,
  user: text,
  verdict: Schema.optionalWith(Model.Verdict, { exact: true }),
  library: text,
  since: number,
  q: text,
  limit: number,
  cursor: text
}) {}

/** Which requests. */
export class RequestFilter extends Schema.Struct({ ...OfProject.fields, limit: number }) {}

/** Which events to export, and how to write them. */
export class ExportFilter extends Schema.Struct({
  ...EventFilter.fields,
  format: Schema.optionalWith(Schema.Literal("ndjson", "csv", "fixture"), { exact: true })
}) {}

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
      .addSuccess(Schema.Struct({ cleared: Schema.Boolean }))
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

/** Everything that the server answers beside ingestion and the page. */
export class Api extends HttpApi.make("DevServer").add(Routes)
  .annotate(OpenApi.Title, "DevServer of effect-amplitude")
  .annotate(OpenApi.Version, "0.1.0")
{}
