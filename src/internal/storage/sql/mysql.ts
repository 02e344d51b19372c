/**
 * The dialect of MySQL 8 and MariaDB 10.6 and later. The mutex is a row of its own table. A transaction that locks it
 * first sees all earlier commits. Events are deleted by primary key only, so that no gap locks are needed.
 */
import { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import type { DeadRow, Dialect, LaneRow, Row, Sql, StatsRow, Tables } from "./dialect.js"
import { ageIn, checkTexts, cut, inParts, insertOf, insertsInOnePart, placesOf, seqOf } from "./dialect.js"

const columns = "seq, client, sequence, lane, json, attempts, retries"

/** Milliseconds since the epoch. */
const now = "CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)"

/** Of the oldest event, in milliseconds. */
const ageOf = (tables: Tables): string =>
  `(SELECT ${now} - CAST(UNIX_TIMESTAMP(created) * 1000 AS SIGNED) FROM ${tables.outbox} ORDER BY seq LIMIT 1)`

const counted = (rows: ReadonlyArray<{ readonly count: unknown }>): number => Number(rows[0]!.count)

const text = "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"

/** The most bytes of a lane: 1024 UTF-16 units, each escaped. */
const lane = "VARBINARY(6200)"

/** A list of numbers as SQL. Only this package makes these numbers. */
const listOf = (numbers: ReadonlyArray<number>): string =>
  numbers.map((number) => String(Math.trunc(number))).join(", ")

/** A text as an SQL literal. Only this package makes these texts, without quotes and backslashes. */
const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** The numbers of a JSON array, as the table `s`. */
const seqsIn = (json: string): string => `JSON_TABLE(${json}, '$[*]' COLUMNS (seq BIGINT PATH '$')) AS s`

/** Events that no lease holds. */
const isUnleased = (tables: Tables): string => `seq NOT IN (SELECT s.seq FROM ${tables.lease} l, ${seqsIn("l.seqs")})`

/**
 * The outbox as `o`, joined to the events that a statement changes. With `seq IN (...)` the server may scan the table
 * instead, and would wait for the events of open transactions.
 */
const joinedTo = (tables: Tables): string => `${tables.outbox} o FORCE INDEX (PRIMARY) ON o.seq = s.seq`

const remove = (sql: Sql, tables: Tables, seqs: ReadonlyArray<number>) =>
  sql.executeUnprepared(
    `DELETE o FROM ${seqsIn(`'[${listOf(seqs)}]'`)} STRAIGHT_JOIN ${joinedTo(tables)}`
  )

interface Lease {
  readonly token: string
}

/**
 * Takes the mutex, and finds expired leases. A lease that is being settled still counts, with its lanes: waiting for it could
 * take as long as its process is stopped.
 */
const lockOf = (tables: Tables): string =>
  `SELECT one FROM ${tables.mutex} WHERE one = 1 FOR UPDATE; ` +
  `SELECT token FROM ${tables.lease} WHERE until <= ${now} FOR UPDATE SKIP LOCKED`

const endLeases = (sql: Sql, tables: Tables, leases: ReadonlyArray<Lease>) =>
  Effect.forEach(leases, ({ token }) => sql.execute(`DELETE FROM ${tables.lease} WHERE token = ?`, [token]), {
    discard: true
  })

/** The leases, and whether there are paused events. The lanes of leases are cheaper as a list than with JSON_TABLE. */
const blockedOf = (tables: Tables): string =>
  `SELECT token, lanes FROM ${tables.lease}; ` +
  `SELECT EXISTS (SELECT 1 FROM ${tables.outbox} WHERE not_before > ${now}) AS paused`

/** The oldest events of lanes that are not blocked. */
const leaseOf = (tables: Tables, busy: ReadonlyArray<string>, hasPaused: boolean, maxEvents: number): string => {
  const conditions = [
    ...(busy.length > 0 ? [`o.lane NOT IN (${busy.map(bytesOf).join(", ")})`] : []),
    ...(hasPaused
      ? [`(o.lane NOT IN (SELECT p.lane FROM ${tables.outbox} p WHERE p.not_before > ${now})
    OR o.seq < (SELECT MIN(p.seq) FROM ${tables.outbox} p WHERE p.lane = o.lane AND p.not_before > ${now}))`]
      : [])
  ]
  return `SELECT ${columns} FROM ${tables.outbox} o ${
    conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")} `
  }ORDER BY o.seq LIMIT ${Math.trunc(maxEvents)}`
}

/** The bytes of a text, as a literal. */
const bytesOf = (text: string): string => `x'${Encoding.encodeHex(text)}'`

/** With another charset the server stores other texts, without an error. */
const expectedCharset = (charset: string): Error =>
  new Error(`the charset of the SqlClient: expected utf8mb4, and not ${charset}`)

const laneText = ({ lane }: { readonly lane: string | Uint8Array }): string =>
  typeof lane === "string" ? lane : new TextDecoder().decode(lane)

export const mysql: Dialect = {
  ddl: (tables) => [
    `CREATE TABLE IF NOT EXISTS ${tables.outbox} (
  seq BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  client VARCHAR(191) ${text} NOT NULL,
  sequence BIGINT NOT NULL,
  lane ${lane} NOT NULL,
  json LONGTEXT ${text} NOT NULL,
  attempts INT NOT NULL DEFAULT 0,
  retries INT NOT NULL DEFAULT 0,
  not_before BIGINT NULL,
  created TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  INDEX ${tables.index("paused")} (not_before),
  INDEX ${tables.index("client")} (client, sequence)
) ENGINE=InnoDB`,
    `CREATE TABLE IF NOT EXISTS ${tables.lease} (
  token VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  client VARCHAR(191) ${text} NOT NULL,
  until BIGINT NOT NULL,
  seqs LONGTEXT CHARACTER SET utf8mb4 NOT NULL,
  lanes LONGTEXT ${text} NOT NULL
) ENGINE=InnoDB`,
    `CREATE TABLE IF NOT EXISTS ${tables.mutex} (one TINYINT NOT NULL PRIMARY KEY) ENGINE=InnoDB`,
    `INSERT IGNORE INTO ${tables.mutex} (one) VALUES (1)`
  ],
  deadLettersDdl: (tables) => [
    `CREATE TABLE IF NOT EXISTS ${tables.dead} (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  client VARCHAR(191) ${text} NOT NULL,
  lane ${lane} NOT NULL,
  json LONGTEXT ${text} NOT NULL,
  attempts INT NOT NULL,
  retries INT NOT NULL,
  reason VARCHAR(64) ${text} NOT NULL,
  code INT NOT NULL,
  message TEXT ${text} NOT NULL,
  dropped BIGINT NOT NULL
) ENGINE=InnoDB`
  ],
  // each statement that creates a table commits by itself
  lockMigration: () => Effect.succeed(false),
  prepare: (sql) =>
    Effect.flatMap(
      sql.execute<{ readonly charset: string }>("SELECT @@character_set_client AS charset"),
      ([row]) => row!.charset === "utf8mb4" ? Effect.void : new SqlError({ cause: expectedCharset(row!.charset) })
    ),
  isVolatile: () => Effect.succeed(false),

  isTransient: /^(?:ER_LOCK_DEADLOCK|ER_CHECKREAD)$/,

  insert: (sql, tables, rows) =>
    Effect.zipRight(
      checkTexts(rows),
      Effect.forEach(inParts(rows), (part) => sql.execute(...insertOf(tables.outbox, part)), { discard: true })
    ),
  insertsAtOnce: insertsInOnePart,
  retract: (sql, tables, client, sequences) =>
    Effect.flatMap(
      sql.execute<Row>(
        `SELECT seq FROM ${tables.outbox} WHERE client = ? AND sequence IN (SELECT s.seq FROM ${seqsIn("?")})
  AND ${isUnleased(tables)}`,
        [client, JSON.stringify(sequences)]
      ),
      (rows) => rows.length === 0 ? Effect.void : remove(sql, tables, rows.map(seqOf))
    ),
  lock: (sql, tables) =>
    Effect.flatMap(
      sql.executeUnprepared<ReadonlyArray<Lease>>(lockOf(tables)),
      ([, expired]) => endLeases(sql, tables, expired!)
    ),
  lease: (sql, tables, request) =>
    sql.executeUnprepared<ReadonlyArray<any>>(`${lockOf(tables)}; ${blockedOf(tables)}`).pipe(
      Effect.flatMap(([, expired, leases, paused]) => {
        const isOver = new Set((expired as ReadonlyArray<Lease>).map(({ token }) => token))
        const busy = (leases as ReadonlyArray<Lease & { readonly lanes: string }>).flatMap(({ lanes, token }) =>
          isOver.has(token) ? [] : JSON.parse(lanes) as ReadonlyArray<string>
        )
        const hasPaused = Number(paused![0].paused) !== 0 && !request.includePaused
        return Effect.zipRight(
          endLeases(sql, tables, expired!),
          sql.executeUnprepared<Row>(leaseOf(tables, busy, hasPaused, request.maxEvents))
        )
      }),
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
              JSON.stringify([...new Set(rows.map(laneText))])
            ]
          ),
          leasing
        )
      })
    ),
  leasesAtOnce: false,
  evict: (sql, tables, { from, keep }) =>
    Effect.flatMap(
      sql.execute<any>(`SELECT COUNT(*) AS count FROM ${tables.outbox}`),
      (rows) => {
        const tooMany = counted(rows) - keep
        return tooMany <= 0 ? Effect.succeed<ReadonlyArray<Row>>([]) : Effect.flatMap(
          sql.executeUnprepared<Row>(
            `SELECT ${columns} FROM ${tables.outbox} WHERE ${isUnleased(tables)} ORDER BY seq ${
              from === "oldest" ? "ASC" : "DESC"
            } LIMIT ${Math.trunc(tooMany)}`
          ),
          (victims) =>
            victims.length === 0
              ? Effect.succeed(victims)
              : Effect.as(remove(sql, tables, victims.map(seqOf)), victims)
        )
      }
    ),
  remove,
  release: (sql, tables, seqs, { attempts, pause, retries }) =>
    sql.executeUnprepared(
      `UPDATE ${seqsIn(`'[${listOf(seqs)}]'`)} STRAIGHT_JOIN ${joinedTo(tables)}
SET o.attempts = o.attempts + ${Math.trunc(attempts)}, o.retries = o.retries + ${Math.trunc(retries)},
  o.not_before = ${pause > 0 ? `${now} + ${Math.ceil(pause)}` : "NULL"}`
    ),
  leave: (sql, tables, token, left) =>
    Effect.flatMap(
      sql.execute(`SELECT token FROM ${tables.lease} WHERE token = ? FOR UPDATE`, [token]),
      ({ length }) =>
        length === 0 ? Effect.succeed(false) : Effect.as(
          left.seqs.length === 0
            ? sql.execute(`DELETE FROM ${tables.lease} WHERE token = ?`, [token])
            : sql.execute(`UPDATE ${tables.lease} SET seqs = ?, lanes = ? WHERE token = ?`, [
              JSON.stringify(left.seqs),
              JSON.stringify(left.lanes),
              token
            ]),
          true
        )
    ),
  // the statement deletes from both tables: the lease has no events left, or did not exist
  settle: (sql, tables, { left, seqs, token }) =>
    left.seqs.length > 0 ? undefined : Effect.map(
      sql.executeUnprepared<ReadonlyArray<{ readonly removed: number }>>(
        `DELETE l, o FROM ${tables.lease} l STRAIGHT_JOIN ${seqsIn(`'[${listOf(seqs)}]'`)} LEFT JOIN ${
          joinedTo(tables)
        } WHERE l.token = ${literal(token)}; SELECT ROW_COUNT() AS removed`
      ),
      (answers) => Number(answers.at(-1)![0]!.removed) > 0
    ),
  stored: (sql, tables, seqs) =>
    sql.executeUnprepared(`SELECT seq FROM ${tables.outbox} WHERE seq IN (${listOf(seqs)})`),
  renew: (sql, tables, token, duration) =>
    Effect.map(
      sql.executeUnprepared<ReadonlyArray<{ readonly renewed: number }>>(
        `UPDATE ${tables.lease} SET until = ${now} + ${Math.trunc(duration)} WHERE token = ${literal(token)}; ` +
          "SELECT ROW_COUNT() AS renewed"
      ),
      (answers) => Number(answers.at(-1)![0]!.renewed) > 0
    ),
  giveBack: (sql, tables, token) => sql.execute(`DELETE FROM ${tables.lease} WHERE token = ?`, [token]),

  count: (sql, tables) => Effect.map(sql.execute<any>(`SELECT COUNT(*) AS count FROM ${tables.outbox}`), counted),
  countUpTo: (sql, tables, limit) =>
    Effect.map(
      sql.execute<any>(
        `SELECT COUNT(*) AS count FROM (SELECT 1 FROM ${tables.outbox} LIMIT ${Math.trunc(limit)}) AS bounded`
      ),
      counted
    ),
  countOf: (sql, tables, clientId, upTo) =>
    Effect.map(
      sql.execute<any>(`SELECT COUNT(*) AS count FROM ${tables.outbox} WHERE client = ? AND sequence <= ?`, [
        clientId,
        upTo
      ]),
      counted
    ),
  // no list of the leases: MySQL cuts the result of GROUP_CONCAT at 1024 bytes
  watch: (sql, tables) =>
    Effect.map(
      sql.execute<{ readonly state: string; readonly due: number; readonly age: StatsRow["age"] }>(
        `SELECT CONCAT_WS(' ', (SELECT MAX(seq) FROM ${tables.outbox}),
  (SELECT MIN(not_before) FROM ${tables.outbox} WHERE not_before > ${now}),
  (SELECT CONCAT(COUNT(*), ' ', BIT_XOR(CRC32(CONCAT(token, JSON_LENGTH(seqs))))) FROM ${tables.lease})) AS state,
EXISTS (SELECT 1 FROM ${tables.lease} WHERE until <= ${now}) AS due,
${ageOf(tables)} AS age`
      ),
      ([row]) => ({ state: row!.state, isDue: Number(row!.due) !== 0, age: ageIn(row!) })
    ),
  stats: (sql, tables) =>
    Effect.map(
      sql.execute<StatsRow>(
        `SELECT (SELECT COUNT(*) FROM ${tables.outbox}) AS total,
  (SELECT COALESCE(SUM(JSON_LENGTH(seqs)), 0) FROM ${tables.lease}) AS leased,
  (SELECT COUNT(*) FROM ${tables.outbox} WHERE not_before > ${now}) AS paused,
  ${ageOf(tables)} AS age`
      ),
      ([row]) => row!
    ),
  largestLanes: (sql, tables, limit) =>
    sql.execute<LaneRow>(
      `SELECT lane, COUNT(*) AS events FROM ${tables.outbox} GROUP BY lane ORDER BY events DESC, lane LIMIT ${
        Math.trunc(limit)
      }`
    ),

  bury: (sql, tables, rows, { code, message, reason }) =>
    Effect.forEach(inParts(rows), (part) =>
      sql.execute(
        `INSERT INTO ${tables.dead} (client, lane, json, attempts, retries, reason, code, message, dropped) VALUES ${
          placesOf(part.length, `(?, ?, ?, ?, ?, ?, ?, ?, ${now})`)
        }`,
        part.flatMap((row) => [row.client, row.lane, row.json, row.attempts, row.retries, reason, code, message])
      ), { discard: true }),
  deadLetters: (sql, tables, { after, limit }) =>
    sql.executeUnprepared<DeadRow>(
      `SELECT id, client, lane, json, attempts, retries, reason, code, message, dropped
FROM ${tables.dead} WHERE id > ${Math.trunc(after)} ORDER BY id LIMIT ${Math.trunc(limit)}`
    ),
  sendAgain: (sql, tables, ids, client) =>
    ids.length === 0 ? Effect.succeed(0) : Effect.flatMap(
      sql.executeUnprepared<{ readonly id: number }>(
        `SELECT id FROM ${tables.dead} WHERE id IN (${listOf(ids)}) FOR UPDATE`
      ),
      (rows) =>
        rows.length === 0 ? Effect.succeed(0) : Effect.as(
          Effect.zipRight(
            sql.executeUnprepared(
              `INSERT INTO ${tables.outbox} (client, sequence, lane, json)
SELECT ${literal(client)}, id, lane, json FROM ${tables.dead} WHERE id IN (${listOf(ids)}) ORDER BY id`
            ),
            sql.executeUnprepared(`DELETE FROM ${tables.dead} WHERE id IN (${listOf(ids)})`)
          ),
          rows.length
        )
    ),
  purge: (sql, tables, options) => {
    const which = "ids" in options
      ? options.ids.length === 0 ? "FALSE" : `id IN (${listOf(options.ids)})`
      : `dropped <= ${now} - ${Math.trunc(options.olderThan)}`
    return Effect.flatMap(
      sql.executeUnprepared<{ readonly id: number }>(`SELECT id FROM ${tables.dead} WHERE ${which} FOR UPDATE`),
      (rows) =>
        rows.length === 0 ? Effect.succeed(0) : Effect.as(
          sql.executeUnprepared(`DELETE FROM ${tables.dead} WHERE id IN (${listOf(rows.map(({ id }) => Number(id)))})`),
          rows.length
        )
    )
  },
  shrink: undefined
}
