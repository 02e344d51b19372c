export interface Arguments {
  readonly measurements: ReadonlyArray<string>
  readonly rounds: number
  readonly contenders: ReadonlyArray<string>
  readonly quick: boolean
}

const usage = "npm run bench -- [measurement ...] [--rounds N] [--contenders a,b] [--quick]"

/** Parses the arguments. An error shows the usage. */
export const parse = (args: ReadonlyArray<string>, names: ReadonlyArray<string>): Arguments => {
  const rest = [...args]
  const measurements: Array<string> = []
  const contenders: Array<string> = []
  let rounds = 5
  let quick = false
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === "--quick") quick = true
    else if (arg === "--rounds") rounds = Number(rest.shift())
    else if (arg === "--contenders") contenders.push(...(rest.shift() ?? "").split(",").filter(Boolean))
    else if (names.includes(arg)) measurements.push(arg)
    else throw new Error(`${arg}? ${usage}; measurements: ${names.join(", ")}`)
  }
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds takes a positive number. ${usage}`)
  return { measurements, rounds, contenders, quick }
}
