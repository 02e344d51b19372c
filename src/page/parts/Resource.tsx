/** Reads routes for a view, and shows failures. */
import { type ReadonlySignal, useSignal } from "@preact/signals"
import type { JSX } from "preact"
import { useEffect } from "preact/hooks"
import { ApiError, get } from "../api.js"
import { project } from "../router.js"

export interface Resource<A> {
  /** The last value. It stays while the route is read again. */
  readonly value: A | undefined
  readonly error: ApiError | undefined
}

/** Reads a route, and reads it again when the revision changes. */
export function useResource<A>(
  path: string,
  revision: ReadonlySignal<number>,
  parameters: { readonly [name: string]: string | number | undefined } = {}
): Resource<A> {
  const state = useSignal<Resource<A> & { readonly key: string }>({ key: "", value: undefined, error: undefined })
  const key = JSON.stringify([path, project.value, parameters])
  const current = revision.value
  useEffect(() => {
    const controller = new AbortController()
    get<A>(path, parameters, controller.signal).then(
      (value) => {
        if (!controller.signal.aborted) {
          state.value = { key, value, error: undefined }
        }
      },
      (error: unknown) => {
        if (!controller.signal.aborted) {
          state.value = {
            key,
            value: state.value.key === key ? state.value.value : undefined,
            error: error instanceof ApiError ? error : new ApiError(0, String(error))
          }
        }
      }
    )
    return () => controller.abort()
  }, [key, current])
  return state.value.key === key ? state.value : { value: undefined, error: undefined }
}

/** The reason why a view shows nothing. */
export const Failure = ({ error, title }: { readonly error: ApiError; readonly title: string }): JSX.Element => (
  <div class="empty" role="status">
    <h2>{title}</h2>
    <p>{error.message}</p>
  </div>
)
