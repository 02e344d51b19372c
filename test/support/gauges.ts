import { Effect, Metric } from "effect"

/** The age of the oldest event in milliseconds, as the metric has it; 0 before it is set. */
export const oldestAge: Effect.Effect<number> = Effect.map(
  Metric.snapshot,
  (pairs) =>
    pairs.flatMap(({ metricKey, metricState }) =>
      metricKey.name === "amplitude_storage_oldest_age_ms"
        ? [(metricState as unknown as { readonly value: number }).value]
        : []
    )[0] ?? 0
)
