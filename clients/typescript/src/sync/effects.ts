// What a session is to do, as its core decides.
import type {
  ClientFrame,
  InboxNotice,
  PassingFrame,
  RoomEvent,
  ServerAck,
} from "../contract/index.js";
import type { MadangError } from "../errors.js";
import type { OutgoingMessage } from "./outbox.js";
import type { Cursor, Standing } from "./topic.js";

/** The inbox, among the names of rooms. */
export const INBOX = "inbox";

/** What is to be done, oldest first. */
export type Effect =
  | { readonly type: "write"; readonly frame: ClientFrame }
  | {
      readonly type: "deliver";
      readonly topic: string;
      readonly item: RoomEvent | InboxNotice;
      /** Where the application stands once it has taken the item. */
      readonly cursor: Cursor;
    }
  | { readonly type: "caughtUp"; readonly topic: string; readonly seq: number }
  /** The log is another one than before, or cannot be continued: what is shown of it must be loaded anew. */
  | { readonly type: "reset"; readonly topic: string; readonly cursor: Cursor }
  | { readonly type: "started"; readonly topic: string; readonly cursor: Cursor; readonly standing: Standing }
  /** Nothing more comes of the room. */
  | { readonly type: "closed"; readonly topic: string; readonly error: MadangError | null }
  | { readonly type: "pageInbox"; readonly after: number }
  | { readonly type: "acknowledged"; readonly message: OutgoingMessage; readonly ack: Acknowledgement }
  | { readonly type: "refused"; readonly message: OutgoingMessage; readonly error: MadangError }
  | { readonly type: "passing"; readonly frame: PassingFrame }
  /** The connection is of no more use. */
  | { readonly type: "abandon" };

/** Where a message came to stand. */
export type Acknowledgement = Pick<ServerAck, "id" | "seq" | "at">;
