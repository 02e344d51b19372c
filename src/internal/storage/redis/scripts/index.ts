/** The scripts with their hashes. */
import type { Script } from "../server.js"
import { scriptOf } from "../server.js"
import * as Acknowledge from "./acknowledge.js"
import * as Append from "./append.js"
import * as Count from "./count.js"
import * as DeadLetters from "./deadLetters.js"
import * as Evict from "./evict.js"
import * as GiveBack from "./giveBack.js"
import * as Lanes from "./lanes.js"
import * as Lease from "./lease.js"
import * as Probe from "./probe.js"
import * as Purge from "./purge.js"
import * as Read from "./read.js"
import * as Release from "./release.js"
import * as Renew from "./renew.js"
import * as Retract from "./retract.js"
import * as SendAgain from "./sendAgain.js"
import * as Stats from "./stats.js"
import * as Watch from "./watch.js"

export const acknowledge: Script = scriptOf(Acknowledge.acknowledge)
export const append: Script = scriptOf(Append.append)
export const count: Script = scriptOf(Count.count)
export const deadLetters: Script = scriptOf(DeadLetters.deadLetters)
export const evict: Script = scriptOf(Evict.evict)
export const giveBack: Script = scriptOf(GiveBack.giveBack)
export const lanes: Script = scriptOf(Lanes.lanes)
export const lease: Script = scriptOf(Lease.lease)
export const probe: Script = scriptOf(Probe.probe)
export const purge: Script = scriptOf(Purge.purge)
export const read: Script = scriptOf(Read.read)
export const release: Script = scriptOf(Release.release)
export const renew: Script = scriptOf(Renew.renew)
export const retract: Script = scriptOf(Retract.retract)
export const sendAgain: Script = scriptOf(SendAgain.sendAgain)
export const stats: Script = scriptOf(Stats.stats)
export const watch: Script = scriptOf(Watch.watch)
