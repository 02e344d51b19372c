import { SqlClient } from "@effect/sql"
import { Context, Effect, Layer } from "effect"
import { EventStorage } from "effect-amplitude/EventStorage"
import { SqlEventStorage } from "effect-amplitude/SqlEventStorage"
import { eventOf } from "../storage/contract.js"
import { postgres } from "../support/postgres.js"
const json = JSON.stringify({ event_type: "Button Clicked", event_properties: { text: "x".repeat(440) } })
const T="amplitude_outbox"
const prog = Effect.gen(function*(){
  const ctx = yield* Layer.build(Layer.provideMerge(SqlEventStorage.layer(), (yield* postgres(18)).layer()))
  const st = Context.get(ctx, EventStorage), sql = Context.get(ctx, SqlClient.SqlClient)
  const bulk = (n: number, lane: any) => Effect.forEach(Array.from({length:n/1000},(_,g)=>g),(g)=>st.append(Array.from({length:1000},(_,p)=>eventOf(g*1000+p,{lane:lane(g*1000+p),json})) as any,{capacity:1e7,whenFull:"refuse"}),{discard:true})
  const head = (busy: string, extra="") => `WITH busy AS MATERIALIZED (SELECT DISTINCT l.lane FROM ${T}_lease b, unnest(b.lanes) AS l(lane)),
paused AS MATERIALIZED (SELECT lane, min(seq) AS seq FROM ${T} WHERE not_before > clock_timestamp() AND NOT false GROUP BY lane)
SELECT seq, client, sequence, lane, json, attempts, retries FROM ${T} o WHERE ${busy}
  AND (o.lane NOT IN (SELECT lane FROM paused) OR o.seq < (SELECT p.seq FROM paused p WHERE p.lane = o.lane))
  ORDER BY o.seq LIMIT 200`
  const lease = (q: string) => Effect.gen(function*(){ let best: any; for (let i=0;i<5;i++){ const r: any = yield* sql.unsafe("EXPLAIN (ANALYZE, TIMING OFF) "+q); const t=Number(/Execution Time: ([\d.]+)/.exec(JSON.stringify(r))![1]); if(best===undefined||t<best.t)best={t,r}} return best })
  const show = (n: string,q: string, plan=false) => Effect.map(lease(q),(b: any)=>{console.log(n,b.t.toFixed(2)); if(plan)console.log(b.r.map((x: any)=>x["QUERY PLAN"]).join("\n"))})
  yield* bulk(20000,(p: number)=>"user-"+p%1000)
  yield* show("free", head("o.lane NOT IN (SELECT lane FROM busy)"), true)
  const full = (cut: string, insert=true) => `WITH busy AS MATERIALIZED (SELECT DISTINCT l.lane FROM ${T}_lease b, unnest(b.lanes) AS l(lane)),
head AS MATERIALIZED (SELECT seq, client, sequence, lane, json, attempts, retries FROM ${T} o WHERE o.lane NOT IN (SELECT lane FROM busy) ORDER BY o.seq LIMIT 200),
${cut}${insert?`, taken AS (INSERT INTO ${T}_lease (token, client, until, seqs, lanes) SELECT gen_random_uuid()::text,'x',clock_timestamp()-interval '1 hour', array_agg(seq ORDER BY seq), array_agg(DISTINCT lane) FROM cut HAVING count(*)>0)`:""} SELECT * FROM cut ORDER BY seq`
  const old = `cut AS MATERIALIZED (SELECT seq,client,sequence,lane,json,attempts,retries FROM (SELECT *, sum(octet_length(json)+1) OVER (ORDER BY seq) AS bytes, row_number() OVER (ORDER BY seq) AS place FROM head) h WHERE place=1 OR bytes<=1000000)`
  const tx = (n: string) => sql.withTransaction(Effect.zipRight(sql.unsafe("SET LOCAL enable_seqscan=off; SET LOCAL jit=off").unprepared as any, show(n, head("o.lane NOT IN (SELECT lane FROM busy)"), true)))
  yield* tx("free off")
  yield* sql.unsafe(`DELETE FROM ${T}`); yield* sql.unsafe(`DELETE FROM ${T}_lease`)
  yield* st.append([eventOf(0,{lane:"busy",json})],{capacity:1e7,whenFull:"refuse"})
  yield* st.lease({maxEvents:1,maxBytes:1e6})
  yield* bulk(100000,()=>"busy"); yield* bulk(1000,(p: number)=>"free-"+p)
  yield* tx("busy off")
})
await Effect.runPromise(Effect.scoped(prog as any) as any)
