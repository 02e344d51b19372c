/** What tells an event from all others, in one text: a key of maps. */
import type { EventStorage } from "../../EventStorage.js"

export const identityOf = ({ clientId, sequence }: EventStorage.EncodedEvent): string => `${sequence} ${clientId}`
