// What `@madang/client/account` exports: the user's own status, password, end, export and limits, for the one page that
// needs them.
import type { CallerLimits, Export, PasswordChange, SetStatus, StatusChange } from "./contract/index.js";
import type { CallOptions } from "./rest/http.js";
import type { Rest } from "./rest/rest.js";

/** How long a download may take: of somebody who has said much it is long. */
const DOWNLOAD_MS = 10 * 60_000;

/** The routes of the user's own account. Each method answers what the server answers, or throws a `MadangError`. */
export class OwnAccount {
  constructor(private readonly rest: Rest) {}

  /** Sets the status, or ends it with the text null. */
  putStatus(body: StatusChange, options?: CallOptions): Promise<SetStatus> {
    return this.rest.http.call("PUT", "/v1/users/me/status", { body }, options);
  }

  /** Changes the password. The user's other sessions end; this one goes on. */
  changePassword(body: PasswordChange, options?: CallOptions): Promise<void> {
    return this.rest.http.call("PUT", "/v1/users/me/password", { body }, options);
  }

  /** Erases the user for good. The session ends with it. */
  erase(options?: CallOptions): Promise<void> {
    return this.rest.http.call("DELETE", "/v1/users/me", {}, options);
  }

  /** The limits that apply to the user, and what is left of them at the gateway that answers. */
  limits(options?: CallOptions): Promise<CallerLimits> {
    return this.rest.http.call("GET", "/v1/limits", {}, options);
  }

  /** Begins an export, once an hour. */
  beginExport(options?: CallOptions): Promise<Export> {
    return this.rest.http.call("POST", "/v1/users/me/export", {}, options);
  }

  /** Downloads an export: JSON, one value a line. One whose last line has not the kind `end` is not whole. */
  readExport(id: string, options?: CallOptions): Promise<string> {
    const call = { asText: true, deadlineMs: DOWNLOAD_MS };
    return this.rest.http.call("GET", `/v1/users/me/export/${encodeURIComponent(id)}`, call, options);
  }
}
