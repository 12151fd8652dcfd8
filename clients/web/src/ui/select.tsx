import { type ComponentProps, useId } from "react";

/** One of a few by the system's own list, which every device has its way to use. */
export function Select<Name extends string>({
  label,
  hint,
  value,
  choices,
  onChange,
  ...rest
}: Omit<ComponentProps<"select">, "onChange" | "value"> & {
  label: string;
  hint?: string;
  value: Name;
  choices: readonly { readonly value: Name; readonly label: string }[];
  onChange: (value: Name) => void;
}) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <div className="field-box">
        <select
          {...rest}
          id={id}
          value={value}
          aria-describedby={hint === undefined ? undefined : `${id}-note`}
          onChange={(event) => onChange(event.target.value as Name)}
        >
          {choices.map((choice) => (
            <option key={choice.value} value={choice.value}>
              {choice.label}
            </option>
          ))}
        </select>
      </div>
      {hint !== undefined && (
        <p id={`${id}-note`} className="field-note">
          {hint}
        </p>
      )}
    </div>
  );
}
