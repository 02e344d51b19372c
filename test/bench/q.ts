import { SqlClient } from "@effect/sql"
import { SqliteClient } from "@effect/sql-sqlite-node"
import { Context, Effect, Layer, Option } from "effect"
import { EventStorage } from "effect-amplitude/EventStorage"
import { SqlEventStorage } from "effect-amplitude/SqlEventStorage"
import { join } from "node:path"
import { eventOf } from "../storage/contract.js"
import { mariadb } from "../support/mariadb.js"
import { postgres } from "../support/postgres.js"
import { temporaryFolder } from "../support/processes.js"
const N = 20000
const json = JSON.stringify({ event_type: "Button Clicked", event_properties: { text: "x".repeat(440) } })
const encoded = Array.from({ length: N }, (_, place) => eventOf(place, { lane: `user-${place % 1000}`, json }))
const parts = Array.from({length:500},(_, f)=>Array.from({length:N/500},(_,k)=>encoded[k*500+f]!))
const time = (n: string, e: any) => Effect.gen(function*(){ const c=process.cpuUsage(); const s=performance.now(); yield* e; const w=performance.now()-s; const u=process.cpuUsage(c); (globalThis as any).gc?.(); console.log(Math.round(process.memoryUsage().heapUsed/1e6)+"MB", n.padEnd(20),(w*1000/N).toFixed(1),"us",((u.user+u.system)/N).toFixed(1),"us CPU") })
const append = (st: any) => Effect.forEach(parts, Effect.forEach((e: any) => st.append([e], {capacity:1e7,whenFull:"refuse"}), {discard:true}), {concurrency:"unbounded",discard:true})
const deliver = (st: any) => Effect.repeat(Effect.scoped(Effect.flatMap(st.lease({maxEvents:200,maxBytes:1e6}) as any, Option.match({onNone:()=>Effect.succeed(0), onSome:({acknowledge,events}: any)=>Effect.map(acknowledge(events),(x: any)=>x.length)}) as any)) as any,{until:(n: any)=>n===0})
import { Session } from "node:inspector/promises"
import { writeFileSync } from "node:fs"
const session = new Session(); session.connect()
const bulk = (st: any) => Effect.forEach(Array.from({length:N/500},(_,k)=>encoded.slice(k*500,k*500+500)), (e: any) => st.append(e, {capacity:1e7,whenFull:"refuse"}), {discard:true})
const which = process.argv[2]
const prog = Effect.gen(function*(){
  let st: any
  if (which === "memory") st = Context.get(yield* Layer.build(EventStorage.layerMemory), EventStorage)
  else {
    const folder = yield* temporaryFolder
    const layer = which === "sqlite" ? SqliteClient.layer({filename: join(folder,"b.db")}) : which === "pg" ? (yield* postgres(18)).layer() : (yield* mariadb).layer()
    st = Context.get(yield* Layer.build(Layer.provideMerge(SqlEventStorage.layer(), layer as any)), EventStorage)
  }
  const what = process.argv[3]
  if (what === "deliver") { yield* Effect.promise(async()=>{await session.post("Profiler.enable");await session.post("Profiler.setSamplingInterval",{interval:500})})
   for (let i=0;i<6;i++){ yield* time("bulk", bulk(st)); if(i>0) yield* Effect.promise(()=>session.post("Profiler.start")); yield* time("deliver", deliver(st)); if (i>0) { const r: any = yield* Effect.promise(()=>session.post("Profiler.stop")); writeFileSync("/tmp/q-d.cpuprofile", JSON.stringify(r.profile)) } } return }
  for (let i=0;i<5;i++){ yield* time("append", append(st)); yield* time("deliver", deliver(st)) }
})
await Effect.runPromise(Effect.scoped(prog as any) as any)
