/**
 * The dialect of SQLite 3.35 and later. The client has one connection, and begins a transaction with a plain `BEGIN`.
 * The first statement must be a write: a transaction that reads first fails at its first write if another process has
 * written meanwhile.
 */
import * as Effect from "effect/Effect"
import type { DeadRow, Dialect, LaneRow, Row, Sql, StatsRow, Tables } from "./dialect.js"
import { ageIn, checkTexts, cut, inParts, insertOf, insertsInOnePart, placesOf, seqOf } from "./dialect.js"

const columns = "seq, client, sequence, lane, json, attempts, retries"

/** Milliseconds since the epoch. */
const now = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"

const counted = (rows: ReadonlyArray<{ readonly count: unknown }>): number => Number(rows[0]!.count)

/** Of the oldest event, in milliseconds. */
const ageOf = (tables: Tables): string => `(SELECT ${now} - created FROM ${tables.outbox} ORDER BY seq LIMIT 1)`

/** The most bytes of live data for which `VACUUM` rewrites the file. */
const maxRewrite = 4_194_304

const lock = (sql: Sql, tables: Tables) => sql.execute(`DELETE FROM ${tables.lease} WHERE until <= ${now}`)

/**
 * An insert of one row in the form that SQLite undoes alone when the disk is full. Otherwise it would roll back the whole
 * transaction of the caller. Inserts of several rows are undone alone in any form.
 */
const asSelect = (text: string): string => text.replace(/VALUES \((.*)\)$/, "SELECT $1")

/** The oldest events of lanes that are not blocked. */
const leaseOf = (tables: Tables, blocked: { readonly busy: boolean; readonly paused: boolean }): string => {
  const conditions = [
    ...(blocked.busy ? [`o.lane NOT IN (SELECT l.value FROM ${tables.lease} b, json_each(b.lanes) l)`] : []),
    ...(blocked.paused
      ? ["(o.lane NOT IN (SELECT lane FROM paused) OR o.seq < (SELECT p.seq FROM paused p WHERE p.lane = o.lane))"]
      : [])
  ]
  const paused = `WITH paused AS MATERIALIZED (SELECT lane, min(seq) AS seq FROM ${tables.outbox}
  WHERE not_before > ${now} GROUP BY lane)
`
  return `${blocked.paused ? paused : ""}SELECT ${columns} FROM ${tables.outbox} o ${
    conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")} `
  }ORDER BY o.seq LIMIT ?`
}

export const sqlite: Dialect = {
  ddl: (tables) => [
    `CREATE TABLE IF NOT EXISTS ${tables.outbox} (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  client TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  lane TEXT NOT NULL,
  json TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  retries INTEGER NOT NULL DEFAULT 0,
  not_before INTEGER,
  created INTEGER NOT NULL DEFAULT (${now})
)`,
    `CREATE INDEX IF NOT EXISTS ${
      tables.index("paused")
    } ON ${tables.indexed} (not_before, lane, seq) WHERE not_before IS NOT NULL`,
    `CREATE INDEX IF NOT EXISTS ${tables.index("client")} ON ${tables.indexed} (client, sequence)`,
    `CREATE TABLE IF NOT EXISTS ${tables.lease} (
  token TEXT PRIMARY KEY,
  client TEXT NOT NULL,
  until INTEGER NOT NULL,
  seqs TEXT NOT NULL,
  lanes TEXT NOT NULL
) WITHOUT ROWID`
  ],
  deadLettersDdl: (tables) => [
    `CREATE TABLE IF NOT EXISTS ${tables.dead} (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  client TEXT NOT NULL,
  lane TEXT NOT NULL,
  json TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  retries INTEGER NOT NULL,
  reason TEXT NOT NULL,
  code INTEGER NOT NULL,
  message TEXT NOT NULL,
  dropped INTEGER NOT NULL DEFAULT (${now})
)`
  ],
  // the statements that create the tables are writes
  lockMigration: () => Effect.succeed(false),
  // a lease reads the events of busy lanes to pass over them, which is faster in a mapped file
  prepare: (sql) =>
    Effect.zipRight(sql.execute("PRAGMA busy_timeout = 5000"), sql.execute("PRAGMA mmap_size = 268435456")),
  isVolatile: (sql) =>
    Effect.map(
      sql.execute<{ readonly name: string; readonly file: string | null }>("PRAGMA database_list"),
      (rows) => rows.some(({ file, name }) => name === "main" && (file === null || file === ""))
    ),

  // libSQL has no busy timeout
  isTransient: /^SQLITE_(?:BUSY|LOCKED)/,

  insert: (sql, tables, rows) =>
    Effect.zipRight(
      checkTexts(rows),
      Effect.forEach(inParts(rows), (part) => {
        const [text, params] = insertOf(tables.outbox, part)
        return sql.execute(part.length === 1 ? asSelect(text) : text, params)
      }, { discard: true })
    ),
  insertsAtOnce: insertsInOnePart,
  retract: (sql, tables, client, sequences) =>
    sql.execute(
      `DELETE FROM ${tables.outbox} WHERE client = ? AND sequence IN (SELECT value FROM json_each(?))
  AND seq NOT IN (SELECT s.value FROM ${tables.lease} l, json_each(l.seqs) s)`,
      [client, JSON.stringify(sequences)]
    ),
  lock,
  // each set of lanes makes the statement slower, so that empty ones are left out
  lease: (sql, tables, request) =>
    lock(sql, tables).pipe(
      Effect.zipRight(
        sql.execute<{ readonly busy: number; readonly paused: number }>(
          `SELECT EXISTS (SELECT 1 FROM ${tables.lease}) AS busy,
  EXISTS (SELECT 1 FROM ${tables.outbox} WHERE not_before > ${now}) AS paused`
        )
      ),
      Effect.flatMap(([blocked]) =>
        sql.execute<Row>(
          leaseOf(tables, {
            busy: Number(blocked!.busy) !== 0,
            paused: Number(blocked!.paused) !== 0 && !request.includePaused
          }),
          [request.maxEvents]
        )
      ),
      Effect.flatMap((found) => {
        const rows = cut(found, request.maxBytes)
        const leasing = { rows, scan: undefined }
        return rows.length === 0 ? Effect.succeed(leasing) : Effect.as(
          sql.execute(
            `INSERT INTO ${tables.lease} (token, client, until, seqs, lanes) VALUES (?, ?, ${now} + ?, ?, ?)`,
            [
              request.token,
              request.client,
              request.duration,
              JSON.stringify(rows.map(seqOf)),
              JSON.stringify([...new Set(rows.map(({ lane }) => lane))])
            ]
          ),
          leasing
        )
      })
    ),
  leasesAtOnce: false,
  evict: (sql, tables, { from, keep }) =>
    Effect.flatMap(
      sql.execute<Row>(
        `SELECT ${columns} FROM ${tables.outbox}
WHERE seq NOT IN (SELECT s.value FROM ${tables.lease} l, json_each(l.seqs) s) ORDER BY seq ${
          from === "oldest" ? "ASC" : "DESC"
        }
LIMIT max(0, (SELECT count(*) FROM ${tables.outbox}) - ?)`,
        [keep]
      ),
      (rows) =>
        rows.length === 0 ? Effect.succeed(rows) : Effect.as(
          sql.execute(`DELETE FROM ${tables.outbox} WHERE seq IN (SELECT value FROM json_each(?))`, [
            JSON.stringify(rows.map(seqOf))
          ]),
          rows
        )
    ),
  remove: (sql, tables, seqs) =>
    sql.execute(`DELETE FROM ${tables.outbox} WHERE seq IN (SELECT value FROM json_each(?))`, [JSON.stringify(seqs)]),
  release: (sql, tables, seqs, { attempts, pause, retries }) =>
    sql.execute(
      `UPDATE ${tables.outbox} SET attempts = attempts + ?, retries = retries + ?, not_before = ${
        pause > 0 ? `${now} + ?` : "nullif(?, 0)"
      } WHERE seq IN (SELECT value FROM json_each(?))`,
      [attempts, retries, Math.ceil(pause), JSON.stringify(seqs)]
    ),
  // this is a write, so that no other process writes until the transaction ends
  leave: (sql, tables, token, left) =>
    Effect.map(
      left.seqs.length === 0
        ? sql.execute(`DELETE FROM ${tables.lease} WHERE token = ? RETURNING token`, [token])
        : sql.execute(`UPDATE ${tables.lease} SET seqs = ?, lanes = ? WHERE token = ? RETURNING token`, [
          JSON.stringify(left.seqs),
          JSON.stringify(left.lanes),
          token
        ]),
      ({ length }) => length > 0
    ),
  settle: () => undefined,
  stored: (sql, tables, seqs) =>
    sql.execute(`SELECT seq FROM ${tables.outbox} WHERE seq IN (SELECT value FROM json_each(?))`, [
      JSON.stringify(seqs)
    ]),
  renew: (sql, tables, token, duration) =>
    Effect.map(
      sql.execute(`UPDATE ${tables.lease} SET until = ${now} + ? WHERE token = ? RETURNING token`, [duration, token]),
      ({ length }) => length > 0
    ),
  giveBack: (sql, tables, token) => sql.execute(`DELETE FROM ${tables.lease} WHERE token = ?`, [token]),

  count: (sql, tables) => Effect.map(sql.execute<any>(`SELECT count(*) AS count FROM ${tables.outbox}`), counted),
  countUpTo: (sql, tables, limit) =>
    Effect.map(
      sql.execute<any>(`SELECT count(*) AS count FROM (SELECT 1 FROM ${tables.outbox} LIMIT ?)`, [limit]),
      counted
    ),
  countOf: (sql, tables, clientId, upTo) =>
    Effect.map(
      sql.execute<any>(`SELECT count(*) AS count FROM ${tables.outbox} WHERE client = ? AND sequence <= ?`, [
        clientId,
        upTo
      ]),
      counted
    ),
  watch: (sql, tables) =>
    Effect.map(
      sql.execute<{ readonly state: string; readonly due: number; readonly age: StatsRow["age"] }>(
        `SELECT coalesce((SELECT max(seq) FROM ${tables.outbox}), '') || ' ' ||
  coalesce((SELECT min(not_before) FROM ${tables.outbox} WHERE not_before > ${now}), '') || ' ' ||
  coalesce((SELECT group_concat(token || json_array_length(seqs)) FROM ${tables.lease}), '') AS state,
EXISTS (SELECT 1 FROM ${tables.lease} WHERE until <= ${now}) AS due,
${ageOf(tables)} AS age`
      ),
      ([row]) => ({ state: row!.state, isDue: Number(row!.due) !== 0, age: ageIn(row!) })
    ),
  stats: (sql, tables) =>
    Effect.map(
      sql.execute<StatsRow>(
        `SELECT (SELECT count(*) FROM ${tables.outbox}) AS total,
  (SELECT coalesce(sum(json_array_length(seqs)), 0) FROM ${tables.lease}) AS leased,
  (SELECT count(*) FROM ${tables.outbox} WHERE not_before > ${now}) AS paused,
  ${ageOf(tables)} AS age`
      ),
      ([row]) => row!
    ),
  largestLanes: (sql, tables, limit) =>
    sql.execute<LaneRow>(
      `SELECT lane, count(*) AS events FROM ${tables.outbox} GROUP BY lane ORDER BY events DESC, lane LIMIT ?`,
      [limit]
    ),

  bury: (sql, tables, rows, { code, message, reason }) =>
    Effect.forEach(inParts(rows), (part) =>
      sql.execute(
        `INSERT INTO ${tables.dead} (client, lane, json, attempts, retries, reason, code, message) VALUES ${
          placesOf(part.length, "(?, ?, ?, ?, ?, ?, ?, ?)")
        }`,
        part.flatMap((row) => [row.client, row.lane, row.json, row.attempts, row.retries, reason, code, message])
      ), { discard: true }),
  deadLetters: (sql, tables, { after, limit }) =>
    sql.execute<DeadRow>(
      `SELECT id, client, lane, json, attempts, retries, reason, code, message, dropped
FROM ${tables.dead} WHERE id > ? ORDER BY id LIMIT ?`,
      [after, limit]
    ),
  sendAgain: (sql, tables, ids, client) =>
    Effect.flatMap(
      sql.execute(
        `INSERT INTO ${tables.outbox} (client, sequence, lane, json) SELECT ?, id, lane, json FROM ${tables.dead}
WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id RETURNING seq`,
        [client, JSON.stringify(ids)]
      ),
      ({ length }) =>
        Effect.as(
          sql.execute(`DELETE FROM ${tables.dead} WHERE id IN (SELECT value FROM json_each(?))`, [JSON.stringify(ids)]),
          length
        )
    ),
  purge: (sql, tables, options) =>
    Effect.map(
      "ids" in options
        ? sql.execute(`DELETE FROM ${tables.dead} WHERE id IN (SELECT value FROM json_each(?)) RETURNING id`, [
          JSON.stringify(options.ids)
        ])
        : sql.execute(`DELETE FROM ${tables.dead} WHERE dropped <= ${now} - ? RETURNING id`, [options.olderThan]),
      ({ length }) => length
    ),
  shrink: (sql) =>
    Effect.flatMap(
      Effect.all([
        sql.execute<{ readonly page_count: number }>("PRAGMA page_count"),
        sql.execute<{ readonly freelist_count: number }>("PRAGMA freelist_count"),
        sql.execute<{ readonly page_size: number }>("PRAGMA page_size")
      ]),
      ([[pages], [free], [size]]) => {
        const unused = free!.freelist_count
        const live = (pages!.page_count - unused) * size!.page_size
        return unused * size!.page_size > maxRewrite && unused > pages!.page_count / 2 && live <= maxRewrite
          ? Effect.zipRight(sql.execute("VACUUM"), sql.execute("PRAGMA wal_checkpoint(TRUNCATE)"))
          : Effect.void
      }
    )
}
