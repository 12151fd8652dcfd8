/** The roof and the yard. */
export function Logo() {
  return (
    <svg className="logo" viewBox="0 0 32 32" aria-hidden="true">
      <rect className="logo-ground" width="32" height="32" rx="8" />
      <path className="logo-line" d="M7 12.500 16 7l9 5.500" />
      <rect className="logo-line" x="9" y="15" width="14" height="10" rx="2.500" />
      <circle className="logo-dot" cx="16" cy="20" r="1.800" />
    </svg>
  );
}
