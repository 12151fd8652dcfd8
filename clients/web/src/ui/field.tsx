import { type ComponentProps, type ReactNode, useId } from "react";
import { classes } from "./classes";

/** A labelled field with a hint, or with what is wrong with it. */
export function Field({
  label,
  hint,
  error,
  trailing,
  ...rest
}: ComponentProps<"input"> & { label: string; hint?: string; error?: string | undefined; trailing?: ReactNode }) {
  const id = useId();
  const note = error ?? hint;
  return (
    <div className={classes("field", error !== undefined && "field-wrong")}>
      <label htmlFor={id}>{label}</label>
      <div className="field-box">
        <input
          {...rest}
          id={id}
          aria-invalid={error !== undefined}
          aria-describedby={note === undefined ? undefined : `${id}-note`}
        />
        {trailing}
      </div>
      {note !== undefined && (
        <p id={`${id}-note`} className="field-note" role={error === undefined ? undefined : "alert"}>
          {note}
        </p>
      )}
    </div>
  );
}

export interface Choice<Name extends string> {
  readonly value: Name;
  readonly label: string;
  readonly hint?: string;
}

/** One of a few, all in sight. */
export function Choices<Name extends string>({
  label,
  choices,
  value,
  onChange,
}: {
  label: string;
  choices: readonly Choice<Name>[];
  value: Name;
  onChange: (value: Name) => void;
}) {
  const id = useId();
  return (
    <fieldset className="choices">
      <legend>{label}</legend>
      {choices.map((choice) => (
        <label key={choice.value} className="choice">
          <input
            type="radio"
            name={id}
            value={choice.value}
            checked={choice.value === value}
            onChange={() => onChange(choice.value)}
          />
          <span>
            <span className="choice-label">{choice.label}</span>
            {choice.hint !== undefined && <span className="choice-hint">{choice.hint}</span>}
          </span>
        </label>
      ))}
    </fieldset>
  );
}
