/** The help: the keys and the words of the filter. */
import { Fragment, type JSX } from "preact"
import { useLayoutEffect, useRef } from "preact/hooks"
import { helpIsOpen, keysAreOn, setKeys } from "../state.js"

const keys: ReadonlyArray<readonly [keys: ReadonlyArray<string>, does: string]> = [
  [["j", "k"], "Next and previous event"],
  [["Enter"], "Open the event"],
  [["Esc"], "Back"],
  [["/"], "Filter"],
  [["x"], "Only events at fault"],
  [["c"], "Copy the event as JSON"],
  [["Space"], "Pause and resume the list"],
  [["1", "…", "6"], "Events, Users, Requests, Faults, Plan, Connect"],
  [["?"], "This help"]
]

const filters: ReadonlyArray<readonly [example: string, selects: string]> = [
  ["checkout", "Any text of the event and of its reasons"],
  ["type:\"Song Played\"", "Part of the type"],
  ["user:ada", "Part of the user or device id"],
  ["lib:python", "Part of the library's name"],
  ["is:fault", "Also kept, refused, duplicate, injected, rejected, altered, violation"],
  ["prop.plan=pro", "An event property with this value"],
  ["-is:kept", "Everything else"]
]

export const Help = (): JSX.Element | null => {
  const dialog = useRef<HTMLDialogElement>(null)
  const isOpen = helpIsOpen.value
  useLayoutEffect(() => {
    if (isOpen) {
      dialog.current?.showModal()
    }
  }, [isOpen])
  return !isOpen ? null : (
    <dialog
      class="help"
      ref={dialog}
      aria-labelledby="help-title"
      onClose={() => helpIsOpen.value = false}
      onClick={({ currentTarget, target }) => target === currentTarget && currentTarget.close()}
    >
      <div class="help-body">
        <header>
          <h2 id="help-title">Help</h2>
          <button type="button" class="button quiet" onClick={() => dialog.current?.close()}>Close</button>
        </header>
        <section>
          <h3 class="heading">Keys</h3>
          <dl class="facts">
            {keys.map(([names, does]) => (
              <Fragment key={does}>
                <dt>{names.map((name) => name === "…" ? " … " : <kbd key={name}>{name}</kbd>)}</dt>
                <dd>{does}</dd>
              </Fragment>
            ))}
          </dl>
          <label class="check">
            <input
              type="checkbox"
              checked={keysAreOn.value}
              onChange={({ currentTarget }) => setKeys(currentTarget.checked)}
            />
            Single keys are on
          </label>
        </section>
        <section>
          <h3 class="heading">Filter</h3>
          <dl class="facts">
            {filters.map(([example, selects]) => (
              <Fragment key={example}>
                <dt>
                  <code>{example}</code>
                </dt>
                <dd>{selects}</dd>
              </Fragment>
            ))}
          </dl>
        </section>
      </div>
    </dialog>
  )
}
