/** The identity of an event as one text, for keys of maps. */
import type { EventStorage } from "../../EventStorage.js"

export const identityOf = (
  { clientId, sequence }: Pick<EventStorage.EncodedEvent, "clientId" | "sequence">
): string => `${sequence} ${clientId}`
