import { Identify } from "effect-amplitude"
import * as Either from "effect/Either"
let x: any
const t = (name: string, f: (i: number) => any) => { for (let r = 0; r < 6; r++) { const s = process.hrtime.bigint(); for (let i = 0; i < 200000; i++) x = f(i); if (r > 4) console.log(name, Number(process.hrtime.bigint() - s) / 200000) } }
const a = Identify.empty.pipe(Identify.set("a", 1))
t("Either.try", (i) => Either.try(() => i))
t("Either.getOrElse(try)", (i) => Either.getOrElse(Either.try(() => i), () => 1))
t("data first set", (i) => Identify.set(Identify.empty, "plan", i))
t("data first add on a", (i) => Identify.add(a, "plan", i))
t("data first set on a", (i) => Identify.set(a, "plan", i))
t("data last", (i) => Identify.set("plan", i)(a))
