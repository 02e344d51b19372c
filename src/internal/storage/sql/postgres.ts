/**
 * The dialect of Postgres 12 and later. It uses no session state, so that it works behind a pooler in transaction mode.
 */
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import type { DeadRow, Dialect, LaneRow, LeaseRequest, NewRow, Row, StatsRow, Tables } from "./dialect.js"
import { ageIn, isNewRow, seqOf } from "./dialect.js"

const columns = "seq, client, sequence, lane, json, attempts, retries"

/** The settings of a table whose rows live for seconds: dead rows are removed soon, whatever the size of the table. */
const vacuum = (threshold: number) =>
  `autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=${threshold}, autovacuum_vacuum_cost_delay=0`

/** The advisory lock of a table. Its first number is "AMPL". */
const mutexOf = (tables: Tables): string =>
  `pg_advisory_xact_lock(1095586881, ('${tables.outbox}'::regclass::oid::bigint % 2147483648)::int)`

/**
 * Takes the mutex, and removes expired leases. These are separate statements, in READ COMMITTED whatever the default of the
 * database is: the statements after them see everything that was committed before they got the mutex. They also wait for a
 * lease that is just settled, so that its events are gone. The planner has no statistics of rows that live for seconds, so
 * that the settings have to tell it to use the indexes.
 */
const lockOf = (tables: Tables, settings: ReadonlyArray<Setting> = always): string =>
  `SET TRANSACTION ISOLATION LEVEL READ COMMITTED; SELECT ${
    settings.map(([name, value]) => `set_config('${name}', '${value}', true)`).join(", ")
  }; ` +
  `SELECT ${mutexOf(tables)}; DELETE FROM ${tables.lease} WHERE until <= clock_timestamp()`

type Setting = readonly [name: string, value: string]

/** The server ends a transaction that is idle for so long: its process was stopped, or its machine was lost. */
const idleLimit = "10s"

/** The settings of the transaction. */
const always: ReadonlyArray<Setting> = [
  ["lock_timeout", "5s"],
  ["idle_in_transaction_session_timeout", idleLimit],
  ["enable_seqscan", "off"],
  ["max_parallel_workers_per_gather", "0"],
  ["jit", "off"]
]

/**
 * The settings of a transaction that only leases events. It does not wait for the disk: a lease that is lost in a crash of
 * the server is as good as expired, and its events are leased again.
 */
const ofLease: ReadonlyArray<Setting> = [...always, ["synchronous_commit", "off"]]

/** A text as an SQL literal. Only this package makes these texts, without quotes. */
const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** A character that neither JSON nor the stored form of a lane contains: both escape it. */
const separator = "\u001f"
const separatorByte = 0x1f

/** Several values as one parameter, and the expression that gives them as an array. */
type ArrayParam = readonly [expression: string, param: unknown]

/** Texts as one parameter. An array parameter would need an escape for each quote and backslash. */
const textsOf = (place: number, texts: ReadonlyArray<string>): ArrayParam =>
  texts.length === 1 || texts.some((text) => text.includes(separator))
    ? [`$${place}::text[]`, texts]
    : [`string_to_array($${place}::text, chr(31))`, texts.join(separator)]

/** The JSON of rows as one parameter of bytes, which needs no text of the JSON. */
const jsonsOf = (place: number, rows: ReadonlyArray<NewRow>): ArrayParam => {
  const joined = new Uint8Array(rows.reduce((sum, { bytes: { end, start } }) => sum + end - start + 1, -1))
  let at = 0
  for (const { bytes: { buffer, end, start } } of rows) {
    if (at > 0) joined[at++] = separatorByte
    const json = buffer.subarray(start, end)
    // not from a client of this package
    if (json.includes(separatorByte)) return hexesOf(place, rows)
    joined.set(json, at)
    at += json.length
  }
  return [`string_to_array(convert_from($${place}::bytea, 'UTF8'), chr(31))`, joined]
}

/** The JSON of rows as one parameter of hexadecimal digits, for bytes that contain the separator. */
const hexesOf = (place: number, rows: ReadonlyArray<NewRow>): ArrayParam => [
  `ARRAY(SELECT convert_from(decode(hex, 'hex'), 'UTF8') ` +
  `FROM unnest(string_to_array($${place}::text, ',')) WITH ORDINALITY AS hexes(hex, place) ORDER BY place)`,
  rows.map(({ bytes: { buffer, end, start } }) => Encoding.encodeHex(buffer.subarray(start, end))).join()
]

/** Numbers as the text of an array, since the driver would escape each element. */
const arrayOf = (numbers: ReadonlyArray<number>): string => `{${numbers.join(",")}}`

const whole = (number: number): string => `${Math.floor(number)}::bigint`

/** The transactions that may commit events. Each has locked the table before its first event got a `seq`. */
const writersOf = (tables: Tables): string =>
  `SELECT virtualtransaction AS writer FROM pg_locks WHERE locktype = 'relation' AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND relation = '${tables.outbox}'::regclass AND mode = 'RowExclusiveLock' AND pid IS DISTINCT FROM pg_backend_pid()`

/** The lowest `seq` from the start on. */
const firstOf = (tables: Tables, from: number): string =>
  `SELECT seq FROM ${tables.outbox} WHERE seq >= ${whole(from)} ORDER BY seq LIMIT 1`

const leaseOf = (tables: Tables, request: LeaseRequest): string =>
  `WITH paused AS MATERIALIZED (SELECT lane, min(seq) AS seq FROM ${tables.outbox}
  WHERE not_before > clock_timestamp() AND NOT ${request.includePaused} GROUP BY lane),
head AS (SELECT ${columns} FROM ${tables.outbox} o WHERE o.seq >= ${whole(request.from)}
  AND o.lane NOT IN (SELECT unnest(lanes) FROM ${tables.lease})
  AND (o.lane NOT IN (SELECT lane FROM paused)
    OR o.seq < (SELECT p.seq FROM paused p WHERE p.lane = o.lane))
  ORDER BY o.seq LIMIT ${whole(request.maxEvents)}),
cut AS MATERIALIZED (SELECT ${columns} FROM (
    SELECT *, sum(octet_length(json) + 1) OVER (ORDER BY seq ROWS UNBOUNDED PRECEDING) AS bytes FROM head
  ) h WHERE bytes <= ${whole(request.maxBytes)} OR bytes = octet_length(json) + 1),
taken AS (INSERT INTO ${tables.lease} (token, client, until, seqs, lanes)
  SELECT ${literal(request.token)}, ${literal(request.client)}, clock_timestamp() + ${
    whole(request.duration)
  } * interval '1 millisecond', array_agg(seq), array_agg(lane)
  FROM cut HAVING count(*) > 0)
SELECT ${columns} FROM cut`

const bySeq = (one: Row, other: Row): number => seqOf(one) - seqOf(other)

const epoch = (time: string): string => `(extract(epoch FROM ${time}) * 1000)::bigint`

/** The age of the oldest event, in milliseconds. No event has a lower `seq` than `from`. */
const ageOf = (tables: Tables, from: number): string =>
  `(SELECT ${epoch("clock_timestamp()")} - ${epoch("created")} FROM ${tables.outbox}
  WHERE seq >= ${whole(from)} ORDER BY seq LIMIT 1)`

const counted = (rows: ReadonlyArray<{ readonly count: unknown }>): number => Number(rows[0]!.count)

export const postgres: Dialect = {
  ddl: (tables) => [
    `CREATE TABLE IF NOT EXISTS ${tables.outbox} (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  client text NOT NULL,
  sequence bigint NOT NULL,
  lane text NOT NULL,
  json text NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  retries integer NOT NULL DEFAULT 0,
  not_before timestamptz,
  created timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (${vacuum(5000)})`,
    // without the lane, since an index takes rows of at most a third of a page
    `CREATE INDEX IF NOT EXISTS ${
      tables.index("paused")
    } ON ${tables.outbox} (not_before, seq) WHERE not_before IS NOT NULL`,
    `CREATE INDEX IF NOT EXISTS ${tables.index("client")} ON ${tables.outbox} (client, sequence)`,
    // each lease reads this table, with the dead rows that are not vacuumed yet: their arrays are kept outside of the rows
    `CREATE TABLE IF NOT EXISTS ${tables.lease} (
  token text PRIMARY KEY,
  client text NOT NULL,
  until timestamptz NOT NULL,
  seqs bigint[] NOT NULL,
  lanes text[] NOT NULL
) WITH (fillfactor=50, toast_tuple_target=128, ${vacuum(200)})`,
    // rows live for seconds, and compression would take more time than it saves
    `ALTER TABLE ${tables.lease} ALTER COLUMN seqs SET STORAGE EXTERNAL, ALTER COLUMN lanes SET STORAGE EXTERNAL`
  ],
  deadLettersDdl: (tables) => [
    `CREATE TABLE IF NOT EXISTS ${tables.dead} (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  client text NOT NULL,
  lane text NOT NULL,
  json text NOT NULL,
  attempts integer NOT NULL,
  retries integer NOT NULL,
  reason text NOT NULL,
  code integer NOT NULL,
  message text NOT NULL,
  dropped timestamptz NOT NULL DEFAULT clock_timestamp()
)`
  ],
  lockMigration: (sql, tables) =>
    // creating an index waits for the writers of the table, and writers wait for the index
    sql.executeUnprepared("SET LOCAL lock_timeout='5s'").pipe(
      Effect.zipRight(sql.execute("SELECT pg_advisory_xact_lock(1095586881, hashtext($1))", [tables.outbox])),
      Effect.zipRight(
        sql.execute<{ readonly there: number | string }>(
          "SELECT count(to_regclass(name)) AS there FROM unnest($1::text[]) AS name",
          [[tables.outbox, tables.lease]]
        )
      ),
      Effect.map(([row]) => Number(row!.there) === 2)
    ),
  prepare: () => Effect.void,
  isVolatile: () => Effect.succeed(false),

  // a deadlock, and a serialization failure where the default isolation is SERIALIZABLE
  isTransient: /^(?:40001|40P01)$/,

  insert: (sql, tables, rows) => {
    const isNew = rows.every(isNewRow)
    const [{ client }] = rows as readonly [NewRow, ...ReadonlyArray<NewRow>]
    const isOfOneClient = rows.every((row) => row.client === client)
    const [lanes, laneParam] = textsOf(3, rows.map(({ lane }) => lane))
    const [jsons, jsonParam] = jsonsOf(4, rows)
    const counts = isNew ? "" : ", $5::integer[], $6::integer[]"
    const values = `$2::bigint[], ${lanes}, ${jsons}${counts}`
    return sql.execute(
      `INSERT INTO ${tables.outbox} (client, sequence, lane, json${isNew ? "" : ", attempts, retries"}) ` +
        (isOfOneClient ? `SELECT $1::text, * FROM unnest(${values})` : `SELECT * FROM unnest($1::text[], ${values})`),
      [
        isOfOneClient ? client : rows.map(({ client }) => client),
        arrayOf(rows.map(({ sequence }) => sequence)),
        laneParam,
        jsonParam,
        ...(isNew ? [] : [arrayOf(rows.map(({ attempts }) => attempts)), arrayOf(rows.map(({ retries }) => retries))])
      ]
    )
  },
  insertsAtOnce: () => true,
  retract: (sql, tables, client, sequences) =>
    sql.execute(
      `DELETE FROM ${tables.outbox} WHERE client = $1 AND sequence = ANY($2::bigint[])
  AND seq NOT IN (SELECT unnest(seqs) FROM ${tables.lease})`,
      [client, arrayOf(sequences)]
    ),
  lock: (sql, tables) => sql.executeUnprepared(lockOf(tables)),
  // Postgres runs several statements in one message as one transaction
  lease: (sql, tables, request) =>
    Effect.map(
      sql.executeUnprepared<ReadonlyArray<any>>(
        [
          lockOf(tables, request.isAlone ? ofLease : always),
          ...(request.asksState ? [writersOf(tables), firstOf(tables, request.from)] : []),
          leaseOf(tables, request)
        ].join("; ")
      ),
      (answers) => {
        // the server promises no order without ORDER BY, and sorting costs more there
        const rows: ReadonlyArray<Row> = answers.at(-1)!.toSorted(bySeq)
        return {
          rows,
          scan: {
            last: rows.length === 0 ? undefined : seqOf(rows.at(-1)!),
            state: request.asksState
              ? {
                writers: answers.at(-3)!.map(({ writer }: { readonly writer: string }) => writer),
                first: answers.at(-2)!.map(seqOf)[0]
              }
              : undefined
          }
        }
      }
    ),
  leasesAtOnce: true,
  evict: (sql, tables, { from, keep }) =>
    sql.execute<Row>(
      `WITH victims AS MATERIALIZED (SELECT seq FROM ${tables.outbox}
  WHERE seq NOT IN (SELECT unnest(seqs) FROM ${tables.lease}) ORDER BY seq ${from === "oldest" ? "ASC" : "DESC"}
  LIMIT greatest(0, (SELECT count(*) FROM ${tables.outbox}) - $1::bigint)),
gone AS (DELETE FROM ${tables.outbox} WHERE seq IN (SELECT seq FROM victims) RETURNING ${columns})
SELECT * FROM gone ORDER BY seq`,
      [keep]
    ),
  remove: (sql, tables, seqs) =>
    sql.execute(`DELETE FROM ${tables.outbox} WHERE seq = ANY($1::bigint[])`, [arrayOf(seqs)]),
  release: (sql, tables, seqs, { attempts, pause, retries }) =>
    sql.execute(
      `UPDATE ${tables.outbox} SET attempts = attempts + $2::integer, retries = retries + $3::integer,
  not_before = CASE WHEN $4::bigint > 0 THEN (SELECT clock_timestamp() + $4::bigint * interval '1 millisecond') END
WHERE seq = ANY($1::bigint[])`,
      [arrayOf(seqs), attempts, retries, pause]
    ),
  leave: (sql, tables, token, left) =>
    // everybody who leases waits for this transaction once the lease is over
    sql.executeUnprepared(`SET LOCAL idle_in_transaction_session_timeout='${idleLimit}'`).pipe(
      Effect.zipRight(
        left.seqs.length === 0
          ? sql.execute(`DELETE FROM ${tables.lease} WHERE token = $1 RETURNING token`, [token])
          : sql.execute(
            `UPDATE ${tables.lease} SET seqs = $2::bigint[], lanes = $3::text[] WHERE token = $1 RETURNING token`,
            [token, arrayOf(left.seqs), left.lanes]
          )
      ),
      Effect.map(({ length }) => length > 0)
    ),
  settle: (sql, tables, { left, seqs, token }) => {
    const ends = left.seqs.length === 0
    return Effect.map(
      sql.execute(
        `WITH held AS (${
          ends
            ? `DELETE FROM ${tables.lease} WHERE token = $1 RETURNING token`
            : `UPDATE ${tables.lease} SET seqs = $3::bigint[], lanes = $4::text[] WHERE token = $1 RETURNING token`
        }),
gone AS (DELETE FROM ${tables.outbox} WHERE seq = ANY($2::bigint[]) AND EXISTS (SELECT 1 FROM held))
SELECT token FROM held`,
        ends ? [token, arrayOf(seqs)] : [token, arrayOf(seqs), arrayOf(left.seqs), left.lanes]
      ),
      (rows) => rows.length > 0
    )
  },
  stored: (sql, tables, seqs) =>
    sql.execute(`SELECT seq FROM ${tables.outbox} WHERE seq = ANY($1::bigint[])`, [arrayOf(seqs)]),
  renew: (sql, tables, token, duration) =>
    Effect.map(
      sql.execute(
        `UPDATE ${tables.lease} SET until = clock_timestamp() + $2::bigint * interval '1 millisecond'
WHERE token = $1 RETURNING token`,
        [token, duration]
      ),
      ({ length }) => length > 0
    ),
  giveBack: (sql, tables, token) => sql.execute(`DELETE FROM ${tables.lease} WHERE token = $1`, [token]),

  count: (sql, tables) => Effect.map(sql.execute<any>(`SELECT count(*) AS count FROM ${tables.outbox}`), counted),
  countUpTo: (sql, tables, limit) =>
    Effect.map(
      sql.execute<any>(`SELECT count(*) AS count FROM (SELECT 1 FROM ${tables.outbox} LIMIT $1::bigint) AS bounded`, [
        limit
      ]),
      counted
    ),
  countOf: (sql, tables, clientId, upTo) =>
    Effect.map(
      sql.execute<any>(`SELECT count(*) AS count FROM ${tables.outbox} WHERE client = $1 AND sequence <= $2::bigint`, [
        clientId,
        upTo
      ]),
      counted
    ),
  watch: (sql, tables, from) =>
    Effect.map(
      sql.execute<{ readonly state: string; readonly due: boolean; readonly age: StatsRow["age"] }>(
        `SELECT concat_ws(' ', (SELECT max(seq) FROM ${tables.outbox} WHERE seq >= ${whole(from)}),
  (SELECT min(not_before) FROM ${tables.outbox} WHERE not_before > clock_timestamp()),
  (SELECT string_agg(token || cardinality(seqs), ',' ORDER BY token) FROM ${tables.lease})) AS state,
EXISTS (SELECT 1 FROM ${tables.lease} WHERE until <= clock_timestamp()) AS due,
${ageOf(tables, from)} AS age`
      ),
      ([row]) => ({ state: row!.state, isDue: row!.due, age: ageIn(row!) })
    ),
  stats: (sql, tables) =>
    Effect.map(
      sql.execute<StatsRow>(
        `SELECT (SELECT count(*) FROM ${tables.outbox}) AS total,
  (SELECT coalesce(sum(cardinality(seqs)), 0) FROM ${tables.lease}) AS leased,
  (SELECT count(*) FROM ${tables.outbox} WHERE not_before > clock_timestamp()) AS paused,
  ${ageOf(tables, 0)} AS age`
      ),
      ([row]) => row!
    ),
  largestLanes: (sql, tables, limit) =>
    sql.execute<LaneRow>(
      `SELECT lane, count(*) AS events FROM ${tables.outbox} GROUP BY lane ORDER BY events DESC, lane LIMIT $1::bigint`,
      [limit]
    ),

  bury: (sql, tables, rows, { code, message, reason }) =>
    sql.execute(
      `INSERT INTO ${tables.dead} (client, lane, json, attempts, retries, reason, code, message) ` +
        `SELECT client, lane, json, attempts, retries, $6::text, $7::integer, $8::text ` +
        `FROM unnest($1::text[], $2::text[], $3::text[], $4::integer[], $5::integer[]) AS rows(client, lane, json, attempts, retries)`,
      [
        rows.map(({ client }) => client),
        rows.map(({ lane }) => lane),
        rows.map(({ json }) => json),
        rows.map(({ attempts }) => attempts),
        rows.map(({ retries }) => retries),
        reason,
        code,
        message
      ]
    ),
  deadLetters: (sql, tables, { after, limit }) =>
    sql.execute<DeadRow>(
      `SELECT id, client, lane, json, attempts, retries, reason, code, message, ${epoch("dropped")} AS dropped ` +
        `FROM ${tables.dead} WHERE id > $1::bigint ORDER BY id LIMIT $2::bigint`,
      [after, limit]
    ),
  sendAgain: (sql, tables, ids, client) =>
    Effect.map(
      sql.execute(
        `WITH gone AS (DELETE FROM ${tables.dead} WHERE id = ANY($1::bigint[]) RETURNING id, lane, json)
INSERT INTO ${tables.outbox} (client, sequence, lane, json) SELECT $2, id, lane, json FROM gone ORDER BY id RETURNING seq`,
        [ids, client]
      ),
      ({ length }) => length
    ),
  purge: (sql, tables, options) =>
    Effect.map(
      "ids" in options
        ? sql.execute(`DELETE FROM ${tables.dead} WHERE id = ANY($1::bigint[]) RETURNING id`, [options.ids])
        : sql.execute(
          `DELETE FROM ${tables.dead} WHERE dropped <= clock_timestamp() - $1::bigint * interval '1 millisecond' RETURNING id`,
          [options.olderThan]
        ),
      ({ length }) => length
    ),
  shrink: undefined
}
