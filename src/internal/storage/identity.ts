/** The identity of an event as one text, for keys of maps. */
import type { EventStorage } from "../../EventStorage.js"

export const identityOf = ({ clientId, sequence }: EventStorage.EncodedEvent): string => `${sequence} ${clientId}`
