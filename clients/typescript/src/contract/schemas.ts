// Generated from docs/openapi.json and docs/asyncapi.json by `npm run generate`. Do not edit.

export interface components {
    schemas: {
        /** @description A user's profile with the username. */
        Account: {
            /** @description The URL of the picture; null if there is none. */
            avatar_url: components["schemas"]["AvatarUrl"] | null;
            /** @description The id of the user. */
            id: components["schemas"]["UserId"];
            /** @description The display name. */
            name: components["schemas"]["DisplayName"];
            /** @description The username, for signing in and for mentions. */
            username: components["schemas"]["Username"];
        };
        /**
         * @description The users who may add this user to rooms: `anyone`, `shared` (users who share a room with this user), or `nobody`. All others can only invite the user.
         * @enum {string}
         */
        AddedBy: "anyone" | "shared" | "nobody";
        /** @description An attachment of a message: an uploaded file, or a link to a file elsewhere, with its name, type and size. */
        Attachment: {
            /** @description The media type of the file: of an uploaded file what its bytes say, of a link what the sender states. */
            content_type: components["schemas"]["MediaType"];
            /** @description The id of the uploaded file; absent from a link. */
            file?: components["schemas"]["FileId"];
            /**
             * @description The picture's size and placeholder, if the uploaded file is a picture of which there are thumbnails; absent from
             *     all others.
             */
            image?: components["schemas"]["Image"];
            /** @description The name of the file. */
            name: components["schemas"]["FileName"];
            /**
             * Format: uint64
             * @description The size of the file, in bytes; of a link as the sender states it.
             */
            size_bytes: number;
            /** @description The URL of the file. Of an uploaded file it is the path below the base path. */
            url: components["schemas"]["AttachmentUrl"];
        };
        /** @description The URL of a file: `http` or `https` with a host and without a user or password, or a path on this server. Blanks, control characters, `"`, `<`, `>`, `` ` `` and `\` must be percent-encoded. */
        AttachmentUrl: string;
        /** @description What a moderator, an owner or the embedding site's backend did in a room. */
        AuditEntry: {
            /**
             * @description What was done: `member_added` (by the site), `member_removed`, `banned`, `unbanned`, `muted`, `unmuted`, `role_given`,
             *     `room_changed`, `message_deleted` (another's), `message_edited` (by the site), `invitation_made`,
             *     `invitation_revoked`, `report_settled` or `words_set`. Clients ignore actions that they do not know.
             */
            action: string;
            /** @description The user who did it; if the embedding site's backend did, the user for or against whom it acted. */
            actor: components["schemas"]["Account"];
            /** @description The time of the act. */
            at: components["schemas"]["Timestamp"];
            /** @description Whether the embedding site's backend did it. */
            by_site: boolean;
            /** @description The id of the message; null if it is about none. */
            message: components["schemas"]["MessageId"] | null;
            /** @description The reason; null if none was given, or the user was erased. */
            reason: components["schemas"]["Reason"] | null;
            /** @description The role that was given; null if none was. */
            role: components["schemas"]["Role"] | null;
            /** @description The sequence number of the entry in the room's audit log: contiguous from 1. */
            seq: components["schemas"]["Seq"];
            /** @description The time at which a ban or mute ends by itself; null if it has no end. */
            until: components["schemas"]["Timestamp"] | null;
            /** @description The user to whom it was done; null if it was done to none. */
            user: components["schemas"]["Account"] | null;
        };
        /** @description A page of a list. */
        AuditEntryPage: {
            /** @description The items of this page. */
            items: components["schemas"]["AuditEntry"][];
            /** @description The value of `cursor` for the next page; null on the last page. */
            next_cursor: string | null;
        };
        /** @description A session: one signed-in device of a user. */
        AuthSession: {
            /** @description The time of the sign-in. */
            created_at: components["schemas"]["Timestamp"];
            /** @description Whether this is the session whose access token made the request. */
            current: boolean;
            /** @description The id of the session. */
            id: components["schemas"]["SessionId"];
            /** @description The IP address from which the session was last used; null if it is unknown. */
            ip: string | null;
            /** @description The time of the last refresh, or of the sign-in if there was none. */
            used_at: components["schemas"]["Timestamp"];
            /** @description The `User-Agent` header of the last use; null if there was none. */
            user_agent: string | null;
        };
        /** @description A page of a list. */
        AuthSessionPage: {
            /** @description The items of this page. */
            items: components["schemas"]["AuthSession"][];
            /** @description The value of `cursor` for the next page; null on the last page. */
            next_cursor: string | null;
        };
        /** @description The `http` or `https` URL of a user's picture, with a host and without a user or password. Blanks, control characters, `"`, `<`, `>`, `` ` `` and `\` must be percent-encoded. */
        AvatarUrl: string;
        /** @description A user who is banned from a room. */
        BannedUser: {
            /** @description The time of the ban. */
            at: components["schemas"]["Timestamp"];
            /** @description The id of the user who banned the user; the user's own id if the embedding site's backend did. */
            by: components["schemas"]["UserId"];
            /** @description The reason; null if none was given. */
            reason: components["schemas"]["Reason"] | null;
            /** @description The time at which the ban ends by itself; null if it has no end. */
            until: components["schemas"]["Timestamp"] | null;
            /** @description The profile of the user. */
            user: components["schemas"]["Account"];
        };
        /** @description A page of a list. */
        BannedUserPage: {
            /** @description The items of this page. */
            items: components["schemas"]["BannedUser"][];
            /** @description The value of `cursor` for the next page; null on the last page. */
            next_cursor: string | null;
        };
        /** @description A user whom the caller has blocked. */
        BlockedUser: {
            /** @description The time of the block. */
            at: components["schemas"]["Timestamp"];
            /** @description The blocked user. */
            user: components["schemas"]["Account"];
        };
        /** @description A page of a list. */
        BlockedUserPage: {
            /** @description The items of this page. */
            items: components["schemas"]["BlockedUser"][];
            /** @description The value of `cursor` for the next page; null on the last page. */
            next_cursor: string | null;
        };
        /** @description Fixed bounds, which nothing uses up. */
        Bounds: {
            /**
             * Format: uint
             * @description The maximum number of attachments of a message.
             */
            attachments: number;
            /**
             * Format: uint32
             * @description The maximum number of users whom the user has blocked.
             */
            blocked_users: number;
            /**
             * Format: uint64
             * @description The maximum size of an uploaded file, in bytes; null if no files are kept.
             */
            file_bytes: number | null;
            /**
             * Format: uint
             * @description The maximum size of a frame, in bytes.
             */
            frame_bytes: number;
            /**
             * Format: uint
             * @description The maximum number of members who are named when a room is created.
             */
            new_room_members: number;
            /**
             * Format: uint32
             * @description The maximum number of items of a page.
             */
            page_items: number;
            /**
             * Format: uint
             * @description The maximum number of bytes that wait for one socket.
             */
            queued_bytes: number;
            /**
             * Format: uint32
             * @description The maximum number of events that are replayed to one subscription.
             */
            replay_events: number;
            /**
             * Format: uint
             * @description The maximum number of rooms to which one socket subscribes.
             */
            socket_rooms: number;
            /**
             * Format: uint
             * @description The maximum number of rooms that one `subscribe` may name.
             */
            subscribe_rooms: number;
            /**
             * Format: uint
             * @description The maximum length of a message's text, in characters.
             */
            text_chars: number;
        };
        /** @description A limit of rates, or of a number at once. */
        CallerLimit: {
            /**
             * Format: uint32
             * @description The number that is allowed at once, after a pause.
             */
            burst: number;
            /**
             * Format: double
             * @description The number that is left now at this gateway. Others may have less. Absent where this gateway does not count it for
             *     the caller.
             */
            left?: number;
            /** @description The name of the limit, as a refusal has it in `limit`. */
            limit: string;
            /** @description Of what there is one such limit. */
            of: components["schemas"]["LimitOf"];
            /** @description How fast there is more; absent where things under way are counted. */
            rate?: components["schemas"]["LimitRate"];
            /** @description What is counted. */
            unit: components["schemas"]["LimitUnit"];
        };
        /** @description The limits that apply to the caller. */
        CallerLimits: {
            /** @description The fixed bounds of requests and answers. */
            bounds: components["schemas"]["Bounds"];
            /** @description The limits that a refusal may name. */
            limits: components["schemas"]["CallerLimit"][];
        };
        /**
         * @description The error code of a refused or failed request.
         * @enum {string}
         */
        Code: "invalid_argument" | "unauthenticated" | "permission_denied" | "not_found" | "already_exists" | "failed_precondition" | "rate_limited" | "too_large" | "deadline_exceeded" | "unavailable" | "internal";
        /** @description The JSON object of the embedding site's notice, of at most 16 KiB. */
        CustomData: Record<string, never>;
        /** @description A notice was dismissed. In place of the dismissed notice itself, `notice` is its own `seq`. */
        Dismissed: {
            /** @description The `seq` of the notice. */
            notice: components["schemas"]["Seq"];
        };
        /** @description A display name: one line with at least one visible character. The server normalizes it (NFC). */
        DisplayName: string;
        /** @description A new text for a message. */
        EditMessage: {
            /** @description The text of the message. */
            text: components["schemas"]["MessageText"];
        };
        /** @description One emoji: a grapheme cluster of the Unicode emoji set, or `:name:` with 1 to 32 lower-case ASCII letters, digits, `_`, `+` and `-`. The server answers with its fully qualified form. */
        Emoji: string;
        /** @description The epoch of a `seq`, which changes if a backup is restored. Store it with the cursor. */
        Epoch: string;
        /** @description The beginning of the message to which another one replies, as it is now. */
        Excerpt: {
            /** @description The user who sent it. */
            sender: components["schemas"]["User"];
            /** @description The first 100 characters (code points) of its text. */
            text: string;
        };
        /** @description An export of what is the user's. */
        Export: {
            /** @description The time until which it can be downloaded. */
            expires_at: components["schemas"]["Timestamp"];
            /** @description The id of the export, by which it is downloaded. */
            id: string;
        };
        /** @description A line of an export. */
        ExportLine: {
            /** @constant */
            kind: "profile";
            /** @description The profile. */
            profile: components["schemas"]["Person"];
        } | {
            /** @constant */
            kind: "room";
            /** @description The room as the user sees it. */
            room: components["schemas"]["Room"];
        } | {
            /** @constant */
            kind: "message";
            /** @description The message. */
            message: components["schemas"]["RoomMessage"];
        } | {
            /** @constant */
            kind: "notice";
            /** @description The notice. */
            notice: components["schemas"]["Notice"];
        } | {
            /** @constant */
            kind: "end";
        };
        /** @description The embedding site's own id of a user or room. */
        ExternalId: string;
        /** @description The error of one field of the body. */
        FieldProblem: {
            /** @description The error, a phrase that continues the field's name, such as `must have a visible character`. */
            detail: string;
            /** @description The field: a JSON pointer (RFC 6901) into the body, such as `/attachments/0/url`. */
            pointer: string;
        };
        /**
         * Format: uuid
         * @description The id of an uploaded file.
         */
        FileId: string;
        /** @description The name of a file without its folder: at most 255 bytes, with at least one visible character. The server normalizes it (NFC). */
        FileName: string;
        /** @description A file that the sender has uploaded to the room, and no message has yet. */
        FileToAttach: {
            /** @description The id of the file. */
            file: components["schemas"]["FileId"];
        };
        /** @description A thread that the user follows. */
        FollowedThread: {
            /** @description Whether the user follows the thread. Who does not has no read mark, and nothing unread. */
            following: boolean;
            /** @description The read mark: the `seq` up to which the user has read the thread. It never moves back. */
            read: components["schemas"]["Seq"];
            /** @description The root of the thread, with the state of the thread in its `thread`. */
            root: components["schemas"]["RoomMessage"];
            /**
             * Format: uint64
             * @description The number of messages of other users in the thread after the read mark.
             */
            unread: number;
        };
        /** @description A page of a list. */
        FollowedThreadPage: {
            /** @description The items of this page. */
            items: components["schemas"]["FollowedThread"][];
            /** @description The value of `cursor` for the next page; null on the last page. */
            next_cursor: string | null;
        };
        /** @description A message that was searched for. */
        FoundMessage: {
            /** @description The time of the commit. */
            at: components["schemas"]["Timestamp"];
            /** @description The attachments, at most 10. */
            attachments: components["schemas"]["Attachment"][];
            /** @description Whether the message was deleted. Then only its place is left; absent if it was not. */
            deleted?: boolean;
            /** @description The time of the last edit; absent if the message was never edited. */
            edited_at?: components["schemas"]["Timestamp"];
            /** @description The beginning of the message to which this one replies; absent if that does not exist or was deleted. */
            excerpt?: components["schemas"]["Excerpt"];
            /** @description The id of the message, unique in its room. */
            id: string;
            /** @description The idempotency key with which it was sent. */
            key: components["schemas"]["IdempotencyKey"];
            /** @description The ids of the members whom the text mentions by `@username`, without the sender, at most 20. */
            mentions: components["schemas"]["UserId"][];
            /**
             * @description Whom the text mentions besides them: `all` (every member, by `@all`) or `here` (the members with a connected device,
             *     by `@here`); absent if it does neither, or if the sender may not.
             */
            mentions_all?: components["schemas"]["MentionAll"];
            /** @description The JSON object with which it was sent; absent if there is none, or if it was deleted. */
            metadata?: components["schemas"]["Metadata"];
            /** @description The places in `text` that were searched for, in order and apart from each other; at most 100. */
            ranges: components["schemas"]["TextRange"][];
            /** @description The reactions, at most 20 emoji, in the order of the first reaction with each; absent if there are none. */
            reactions?: components["schemas"]["Reactions"][];
            /** @description The id of the message to which this one replies; null if it is not a reply. */
            reply_to: string | null;
            /** @description The id of the message's room. */
            room: components["schemas"]["RoomId"];
            /** @description The user who sent it. */
            sender: components["schemas"]["User"];
            /** @description The sequence number of the message in its room. */
            seq: components["schemas"]["Seq"];
            /** @description The text of the message as it is now; empty if it was deleted. */
            text: string;
            /** @description The thread of which the message is the root or in which it stands; absent if there is none. */
            thread?: components["schemas"]["Thread"];
        };
        /** @description An idempotency key: 1 to 64 bytes that the client chooses. The server executes a repeated request with the same key only once. */
        IdempotencyKey: string;
        /** @description What a client needs to know of a picture before it has it. */
        Image: {
            /**
             * Format: uint32
             * @description The height, in pixels, as it is to be shown.
             */
            height: number;
            /** @description A BlurHash (<https://blurha.sh>): a text from which a blurred picture is made while the real one is on its way. */
            placeholder: string;
            /**
             * Format: uint32
             * @description The width, in pixels, as it is to be shown.
             */
            width: number;
        };
        /** @description A page of notices and the state of the inbox. */
        InboxPage: {
            /** @description The epoch of the inbox. */
            epoch: components["schemas"]["Epoch"];
            /** @description The `seq` of the last notice; 0 if there is none. */
            head: components["schemas"]["Seq"];
            /** @description The notices: newest first, but oldest first if the query has `after`. */
            items: components["schemas"]["Notice"][];
            /**
             * @description Whether more notices follow the last one. A page is bounded in bytes too, so it may have fewer items than
             *     `limit`.
             * @default false
             */
            more: boolean;
            /** @description Always null: ask for the next page by the `seq` of the last notice. */
            next_cursor: string | null;
            /** @description The read mark: the `seq` up to which the user has read the inbox. */
            read: components["schemas"]["Seq"];
            /**
             * Format: uint64
             * @description The number of notices after the read mark that are not dismissed.
             */
            unread: number;
        };
        /** @description The state of the inbox. */
        InboxStanding: {
            /** @description The cursor of the inbox: `inbox_since` and `inbox_epoch` of `auth` or `subscribe`. */
            cursor: components["schemas"]["SyncCursor"];
            /** @description The read mark: the `seq` up to which the user has read the inbox. */
            read: components["schemas"]["Seq"];
            /**
             * Format: uint64
             * @description The number of notices after the read mark that are not dismissed.
             */
            unread: number;
        };
        /** @description An invitation link. */
        Invitation: {
            /** @description The profile of the user who made the link. */
            by: components["schemas"]["User"];
            /** @description The code, by which users join. Only the answer that makes the link has it: the server keeps its digest alone. */
            code?: string;
            /** @description The time at which the link was made. */
            created_at: components["schemas"]["Timestamp"];
            /** @description The time at which the link expires. */
            expires_at: components["schemas"]["Timestamp"];
            /** @description The id, by which the link is revoked. No user can join by it. */
            id: string;
            /**
             * Format: uint32
             * @description The number of users who have joined by the link.
             */
            used: number;
            /**
             * Format: uint32
             * @description The number of users who can join by the link in all; null if it is not limited.
             */
            uses: number | null;
        };
        /** @description A page of a list. */
        InvitationPage: {
            /** @description The items of this page. */
            items: components["schemas"]["Invitation"][];
            /** @description The value of `cursor` for the next page; null on the last page. */
            next_cursor: string | null;
        };
        /** @description Another user added the user to a room, or invites the user to it. */
        Invite: {
            /** @description The profile of the user who added or invited this user. */
            by: components["schemas"]["User"];
            /** @description The name of the room at that time. */
            name: components["schemas"]["RoomName"];
            /**
             * @description True for an invitation: `POST /v1/rooms/{room}/join` accepts it and `/leave` declines it. Absent if the user
             *     was added.
             */
            pending?: boolean;
            /** @description The id of the room. */
            room: components["schemas"]["RoomId"];
        };
        /** @description A JSON Web Key Set (RFC 7517): the public keys that verify access tokens. */
        JwkSet: {
            /** @description The public keys, each a JSON Web Key. */
            keys: {
                [key: string]: unknown;
            }[];
        };
        /** @description Of what there is one limit. */
        LimitOf: "user" | "address" | "room";
        /** @description So many in so many seconds. */
        LimitRate: {
            /**
             * Format: uint32
             * @description How many.
             */
            count: number;
            /**
             * Format: uint32
             * @description In how many seconds.
             */
            seconds: number;
        };
        /** @description What a limit counts. */
        LimitUnit: "messages" | "reads" | "rooms" | "members" | "topics" | "exports" | "subscriptions" | "uploads" | "sockets" | "connections" | "handshakes";
        /** @description A link to a file elsewhere, with what the sender says of it. */
        Link: {
            /** @description The media type of the file. */
            content_type: components["schemas"]["MediaType"];
            /** @description The name of the file. */
            name: components["schemas"]["FileName"];
            /**
             * Format: uint64
             * @description The size of the file, in bytes, as the sender states it.
             */
            size_bytes: number;
            /** @description The URL of the file. */
            url: components["schemas"]["AttachmentUrl"];
        };
        /** @description A word that is not accepted: one line with a letter or a digit. It is found in whatever Unicode form, case and width, with anything but letters and digits in between, and with its Korean syllables taken apart. */
        ListedWord: string;
        /** @description The body of a sign-in: a username and its password. */
        Login: {
            /** @description The password of the account. */
            password: string;
            /** @description The username. An invalid username gets the same answer as an unknown one: `unauthenticated`. */
            username: string;
        };
        /** @description A place in a room, and the members who stand there. */
        Mark: {
            /**
             * Format: uint64
             * @description The number of members who stand there.
             */
            members: number;
            /** @description The `seq`. */
            seq: components["schemas"]["Seq"];
            /** @description The ids of these members; absent where the room shows no names, and in a room of more than 100 members. */
            users?: components["schemas"]["UserId"][];
        };
        /** @description A new read mark. */
        MarkRead: {
            /** @description The `seq` of the last event or notice that the user has read. */
            seq: components["schemas"]["Seq"];
        };
        /** @description A media type (RFC 6838), with or without parameters. */
        MediaType: string;
        /** @description A member of a room, or a user who is invited to it. */
        Member: {
            /** @description True if the user is only invited; absent for members. */
            invited?: boolean;
            /** @description The time at which the user became a member or, for an invited user, was invited. */
            joined_at: components["schemas"]["Timestamp"];
            /** @description In a list of members: the time at which the user's last socket closed, if it is known and the caller sees it. */
            last_seen?: components["schemas"]["Timestamp"];
            /**
             * @description The time until which the member is muted: the year 9999 if the mute has no end. Absent if the member
             *     is not muted.
             */
            muted_until?: components["schemas"]["Timestamp"];
            /** @description The read mark: the `seq` up to which the user has read the room. */
            read: components["schemas"]["Seq"];
            /** @description The role of the user in the room. */
            role: components["schemas"]["Role"];
            /** @description In a list of members: the status of the user, if there is one and the caller sees it. */
            status?: components["schemas"]["Status"];
            /** @description The profile of the user. */
            user: components["schemas"]["Account"];
        };
        /** @description A page of a list. */
        MemberPage: {
            /** @description The items of this page. */
            items: components["schemas"]["Member"][];
            /** @description The value of `cursor` for the next page; null on the last page. */
            next_cursor: string | null;
        };
        /** @description A message mentions the user. */
        Mention: {
            /** @description The id of the message in the room. */
            message: string;
            /** @description The id of the message's room. */
            room: components["schemas"]["RoomId"];
            /** @description The profile of the message's sender. */
            sender: components["schemas"]["User"];
            /** @description The sequence number of the message in its room. */
            seq: components["schemas"]["Seq"];
        };
        /**
         * @description Whom a message mentions besides those whom it names: `all` (every member) or `here` (the members with a connected device).
         * @enum {string}
         */
        MentionAll: "all" | "here";
        /** @description The id of a message in its room: its `seq` as text. */
        MessageId: string;
        /** @description The text of a message: at least one visible character, no NUL. The server normalizes it (NFC) and removes control characters, overrides of the text direction, and tags that belong to no flag. The length limit applies to the remaining text. */
        MessageText: string;
        /** @description A page of messages of a room. */
        MessagesPage: {
            /** @description The messages: newest first, but oldest first if the query has `after`. */
            items: components["schemas"]["RoomMessage"][];
            /**
             * @description Whether more messages follow the last one. A page has at most 64 KiB of texts, so it may have fewer items than
             *     `limit`.
             * @default false
             */
            more: boolean;
            /** @description Always null: ask for the next page by the `seq` of the last message. */
            next_cursor: string | null;
        };
        /** @description A JSON object of the sender's program, of at most 4 KiB and 32 levels. The server carries it and does not look into it. */
        Metadata: {
            [key: string]: unknown;
        };
        /** @description An attachment of a new message: an uploaded file, or a link to a file elsewhere. */
        NewAttachment: components["schemas"]["FileToAttach"] | components["schemas"]["Link"];
        /** @description An invitation link to make. */
        NewInvitation: {
            /** @description The time at which the link expires: in 7 days by default, and within 366 days. */
            expires_at?: components["schemas"]["Timestamp"] | null;
            /**
             * Format: uint32
             * @description The number of users who can join by the link: 1 to 10,000. Without it, the number is not limited.
             */
            uses?: number | null;
        };
        /** @description A report to make. */
        NewReport: {
            /** @description The reason, for the moderators. */
            reason?: components["schemas"]["Reason"] | null;
        };
        /** @description A room to create. */
        NewRoom: {
            /** @description The kind of the room, which says who can find and join it. */
            kind: components["schemas"]["RoomKind"];
            /** @description The ids of the first members besides the creator, at most 100. */
            members?: components["schemas"]["UserId"][];
            /** @description The name of the room. A private or direct room may have none: it is shown by the names of its members. */
            name?: components["schemas"]["RoomName"] | null;
            /** @description The slug: the name of the room in URLs. */
            slug?: components["schemas"]["Slug"] | null;
        };
        /** @description A room to create for the embedding site. */
        NewSiteRoom: {
            /** @description The site's own id of the room. If a room with this id exists, the answer is that room. */
            external_id?: components["schemas"]["ExternalId"] | null;
            /** @description The kind of the room, which says who can find and join it. */
            kind: components["schemas"]["RoomKind"];
            /** @description The first members besides the owner, at most 100. */
            members?: components["schemas"]["UserRef"][];
            /** @description The name of the room. */
            name: components["schemas"]["RoomName"];
            /** @description The user who becomes the owner. */
            owner: components["schemas"]["UserRef"];
            /** @description The slug: the name of the room in URLs. */
            slug?: components["schemas"]["Slug"] | null;
        };
        /** @description A notice in the user's inbox. */
        Notice: {
            /** @description The time of the commit. */
            at: components["schemas"]["Timestamp"];
            /** @description The sequence number of the notice in the inbox. */
            seq: components["schemas"]["Seq"];
        } & ({
            data: components["schemas"]["Mention"];
            /** @constant */
            kind: "mention";
        } | {
            data: components["schemas"]["Invite"];
            /** @constant */
            kind: "invite";
        } | {
            data: components["schemas"]["CustomData"];
            /** @constant */
            kind: "custom";
        } | {
            data: components["schemas"]["RestrictionNotice"];
            /** @constant */
            kind: "ban";
        } | {
            data: components["schemas"]["RestrictionNotice"];
            /** @constant */
            kind: "mute";
        } | {
            data: components["schemas"]["Dismissed"];
            /** @constant */
            kind: "dismissed";
        } | {
            data: components["schemas"]["Reply"];
            /** @constant */
            kind: "reply";
        } | {
            /** @constant */
            kind: "unknown";
        });
        /** @description Any JSON object of at most 16 KiB. The user receives exactly these bytes. */
        NoticeData: Record<string, never>;
        /**
         * @description Of what in a room the user wants to be notified: `all` (every message), `mentions`, or `none` (then mentions are no notices either).
         * @enum {string}
         */
        NotificationLevel: "all" | "mentions" | "none";
        /** @description A change of the user's password. */
        PasswordChange: {
            /** @description The present password. */
            current_password: string;
            /** @description The new password: 8 to 256 characters. Common passwords are refused. */
            new_password: string;
        };
        /** @description A user's profile, with the user's status and when the user was last seen, for those who may see it. */
        Person: {
            /** @description The URL of the picture; null if there is none. */
            avatar_url: components["schemas"]["AvatarUrl"] | null;
            /** @description The id of the user. */
            id: components["schemas"]["UserId"];
            /**
             * @description The time at which the user's last socket closed; absent if that is not known, or if the caller does not see it.
             *     A user who is present has none that matters.
             */
            last_seen?: components["schemas"]["Timestamp"];
            /** @description The display name. */
            name: components["schemas"]["DisplayName"];
            /** @description The status of the user; absent if there is none, or if the caller does not see it. */
            status?: components["schemas"]["Status"];
            /** @description The username, for signing in and for mentions. */
            username: components["schemas"]["Username"];
        };
        /** @description The body of a refusal: `application/problem+json` (RFC 9457). */
        Problem: {
            /** @description The error code. */
            code: components["schemas"]["Code"];
            /** @description A sentence for developers, which says what is wrong or what to do next. */
            detail: string;
            /** @description The invalid fields of the body, at most 8, for a form to show; absent if the refusal is not about fields. */
            errors?: components["schemas"]["FieldProblem"][];
            /** @description The name of the limit that was reached; present with `rate_limited`. */
            limit?: string;
            /**
             * Format: uint64
             * @description The number of milliseconds to wait before a retry; absent if a retry does not help. The header `Retry-After`
             *     has it in whole seconds.
             */
            retry_after_ms?: number;
            /**
             * Format: uint16
             * @description The HTTP status code.
             */
            status: number;
            /** @description A short title. All problems of a code have the same. */
            title: string;
            /** @description The type of the problem, a URI reference: always `about:blank`. */
            type: string;
        };
        /** @description The changes to the user's own profile. */
        ProfileChanges: {
            /** @description The URL of the new picture. If it is absent, the picture stays; null removes it. */
            avatar_url?: components["schemas"]["AvatarUrl"] | null;
            /** @description The new display name. If it is absent, the name stays. */
            name?: components["schemas"]["DisplayName"] | null;
        };
        /** @description The role to give to a user, who becomes a member if necessary. */
        PutMember: {
            /**
             * @description The role; if it is absent, `member`.
             * @default member
             */
            role?: components["schemas"]["Role"];
        };
        /** @description The role to give to a user by the server API. The user becomes a member if necessary. */
        PutSiteMember: {
            /** @description The role. If it is absent, a member's role stays, and a new member gets `member`. */
            role?: components["schemas"]["Role"] | null;
        };
        /** @description The reactions to a message with one emoji. */
        Reactions: {
            /**
             * Format: uint64
             * @description The number of users who react with it.
             */
            count: number;
            /** @description The emoji. */
            emoji: components["schemas"]["Emoji"];
            /**
             * @description Whether the user who asked is one of them. It is present in answers for one user: pages of messages, pins and
             *     history. Elsewhere the events `reaction` that follow say it.
             */
            me?: boolean;
        };
        /** @description A read mark and the number of unread items after it. */
        ReadMark: {
            /** @description The read mark: the `seq` up to which the user has read. It never moves back. */
            read: components["schemas"]["Seq"];
            /** @description The id of the room; absent for the inbox. */
            room?: components["schemas"]["RoomId"];
            /**
             * Format: uint64
             * @description The number of unread items after the read mark: messages of other users, or notices.
             */
            unread: number;
        };
        /** @description How far the members of a room have read it. A member who has sent a message counts as having read up to it. */
        Reads: {
            /**
             * @description What the members' devices have received, in the same form; absent in a room of more than 100 members, and where
             *     nothing is shown.
             */
            delivered?: components["schemas"]["Mark"][];
            /**
             * @description The marks are complete for messages after this `seq`: 0 in a room of at most 100 members. In a larger room, the
             *     first mark stands for all members who have read up to it or less.
             */
            from: components["schemas"]["Seq"];
            /** @description The marks, in order. As many members have not read a message as stand at marks below its `seq`. */
            marks: components["schemas"]["Mark"][];
            /**
             * Format: uint64
             * @description The number of members.
             */
            members: number;
            /** @description What the room shows: `none` (then there are no marks), `count`, or `names`. */
            receipts: components["schemas"]["Receipts"];
            /** @description The id of the room. */
            room: components["schemas"]["RoomId"];
        };
        /** @description The reason of a ban or a mute: one line with at least one visible character. The server normalizes it (NFC). */
        Reason: string;
        /**
         * @description What members of a room are shown of how far the others have read: `none` (nothing), `count` (how many have read up to where), or `names` (who has read up to where).
         * @enum {string}
         */
        Receipts: "none" | "count" | "names";
        /** @description The body of a refresh or a sign-out: a refresh token. */
        RefreshToken: {
            /** @description The opaque refresh token. It is valid for one refresh. */
            refresh_token: string;
        };
        /** @description The body of a registration. */
        Register: {
            /** @description The display name. If it is absent, the username becomes the display name. */
            name?: components["schemas"]["DisplayName"] | null;
            /** @description The password: 8 to 256 characters. Common passwords are refused. */
            password: string;
            /** @description The username of the new account. */
            username: components["schemas"]["Username"];
        };
        /** @description A message was sent to a thread that the user follows. */
        Reply: {
            /** @description The id of the message in the room. */
            message: string;
            /** @description The id of the message's room. */
            room: components["schemas"]["RoomId"];
            /** @description The profile of the message's sender. */
            sender: components["schemas"]["User"];
            /** @description The sequence number of the message in its room. */
            seq: components["schemas"]["Seq"];
            /** @description The id of the message that is the thread's root. */
            thread: string;
        };
        /** @description A message that was reported. */
        Report: {
            /** @description The time of the report. */
            at: components["schemas"]["Timestamp"];
            /** @description The id of the report. */
            id: string;
            /** @description The id of the message. */
            message: components["schemas"]["MessageId"];
            /** @description The reason; null if none was given. */
            reason: components["schemas"]["Reason"] | null;
            /** @description The user who reported it; null if a word list did. */
            reporter: components["schemas"]["User"] | null;
            /** @description The id of the room. */
            room: components["schemas"]["RoomId"];
            /** @description The user who sent the message. */
            sender: components["schemas"]["User"];
            /** @description The time at which it was settled; null if it is open. */
            settled_at: components["schemas"]["Timestamp"] | null;
            /** @description The id of the user who settled it; null if nobody has, or the embedding site's backend did. */
            settled_by: components["schemas"]["UserId"] | null;
            /** @description What became of it. */
            status: components["schemas"]["ReportStatus"];
        };
        /** @description A change of a report. */
        ReportChange: {
            /** @description What became of it. */
            status: components["schemas"]["ReportStatus"];
        };
        /** @description A page of a list. */
        ReportPage: {
            /** @description The items of this page. */
            items: components["schemas"]["Report"][];
            /** @description The value of `cursor` for the next page; null on the last page. */
            next_cursor: string | null;
        };
        /**
         * @description What became of a report: nobody has settled it (`open`), something was done (`resolved`), or nothing was to be done (`dismissed`).
         * @enum {string}
         */
        ReportStatus: "open" | "resolved" | "dismissed";
        /** @description A ban or a mute to impose. */
        Restriction: {
            /** @description The reason, for the user concerned and for moderators. */
            reason?: components["schemas"]["Reason"] | null;
            /** @description The time at which it ends by itself; without it, it has no end. */
            until?: components["schemas"]["Timestamp"] | null;
        };
        /** @description A ban or a mute of the user, or its end before its time. */
        RestrictionNotice: {
            /** @description The profile of the user who imposed or ended it; null if the embedding site's backend did. */
            by: components["schemas"]["User"] | null;
            /** @description The name of the room at that time. */
            name: components["schemas"]["RoomName"];
            /** @description True if it is imposed; false if it was ended. */
            on: boolean;
            /** @description The reason; null if none was given. */
            reason: components["schemas"]["Reason"] | null;
            /** @description The id of the room. */
            room: components["schemas"]["RoomId"];
            /** @description The time at which it ends by itself; null if it has no end, or was ended. */
            until: components["schemas"]["Timestamp"] | null;
        };
        /** @description A former text of a message. */
        Revision: {
            /** @description The time at which it was written. */
            at: components["schemas"]["Timestamp"];
            /**
             * Format: uint32
             * @description The number of texts that the message had before this one.
             */
            revision: number;
            /** @description The text. */
            text: string;
        };
        /** @description A page of a list. */
        RevisionPage: {
            /** @description The items of this page. */
            items: components["schemas"]["Revision"][];
            /** @description The value of `cursor` for the next page; null on the last page. */
            next_cursor: string | null;
        };
        /**
         * @description The role of a member: a `guest` reads, and writes where the room lets guests; a `member` reads and writes; a `moderator` also adds, removes, bans and mutes members and pins messages; an `owner` also changes roles and the room.
         * @enum {string}
         */
        Role: "guest" | "member" | "moderator" | "owner";
        /** @description A room as the caller sees it. */
        Room: {
            /**
             * @description Whether only moderators send.
             * @default false
             */
            announcement: boolean;
            /**
             * @description Whether nobody sends.
             * @default false
             */
            archived: boolean;
            /** @description The address of the room's picture; absent if the room has none. */
            avatar_url?: components["schemas"]["AvatarUrl"];
            /** @description The time of the room's creation. */
            created_at: components["schemas"]["Timestamp"];
            /**
             * Format: uint32
             * @description The seconds for which the sender can edit a message; 0 if the server's setting counts.
             * @default 0
             */
            edit_window_s: number;
            /**
             * @description Whether guests send, react, and edit and delete what they have sent. Without it they only read.
             * @default false
             */
            guests_send: boolean;
            /** @description The `seq` of the last event in the room. */
            head: components["schemas"]["Seq"];
            /**
             * @description The messages that a newcomer can read: `all`, or `joined`.
             * @default all
             */
            history: components["schemas"]["RoomHistory"];
            /** @description The id of the room. */
            id: components["schemas"]["RoomId"];
            /** @description The kind of the room, which says who can find and join it. */
            kind: components["schemas"]["RoomKind"];
            /** @description The last message; absent if there is none, or if the caller is not a member. */
            last_message?: components["schemas"]["RoomMessage"];
            /**
             * Format: uint64
             * @description The number of members.
             */
            members: number;
            /**
             * @description Whether members add others, and make invitation links.
             * @default false
             */
            members_add: boolean;
            /**
             * @description Whether members mention all.
             * @default false
             */
            members_mention_all: boolean;
            /**
             * @description Whether members pin messages.
             * @default false
             */
            members_pin: boolean;
            /** @description The name of the room. */
            name: components["schemas"]["RoomName"];
            /** @description The caller's read mark; absent if the caller is not a member. */
            read?: components["schemas"]["Seq"];
            /**
             * @description What members are shown of how far the others have read: `none`, `count`, or `names`.
             * @default count
             */
            receipts: components["schemas"]["Receipts"];
            /** @description The caller's role; absent if the caller is not a member. */
            role?: components["schemas"]["Role"];
            /** @description The caller's settings for the room; absent if the caller is not a member. */
            settings?: components["schemas"]["RoomSettings"];
            /**
             * Format: uint32
             * @description The seconds that a member must wait between two messages; 0 if there is no pause.
             * @default 0
             */
            slow_mode_s: number;
            /** @description The slug: the name of the room in URLs; null if it has none. */
            slug: components["schemas"]["Slug"] | null;
            /** @description What the room is about; absent if nobody has said so. */
            topic?: components["schemas"]["RoomTopic"];
            /** @description True if the room has no name of its own. Then `name` has the names of up to five members, without the caller's. */
            unnamed?: boolean;
            /**
             * Format: uint64
             * @description The number of messages of other users after the read mark; absent if the caller is not a member.
             */
            unread?: number;
        };
        /** @description The changes to a room. */
        RoomChanges: {
            /** @description Whether only moderators send. If it is absent, it stays; as for all flags. */
            announcement?: boolean | null;
            /** @description Whether nobody sends. */
            archived?: boolean | null;
            /** @description The address of the room's picture. If it is absent, it stays; null removes it. Direct rooms have none. */
            avatar_url?: components["schemas"]["AvatarUrl"] | null;
            /**
             * Format: uint32
             * @description The seconds for which the sender can edit a message, up to a year; 0: as the server's setting says.
             */
            edit_window_s?: number | null;
            /** @description Whether guests send, react, and edit and delete what they have sent. */
            guests_send?: boolean | null;
            /** @description The messages that a newcomer can read. */
            history?: components["schemas"]["RoomHistory"] | null;
            /** @description Whether members add others, and make invitation links. */
            members_add?: boolean | null;
            /** @description Whether members mention all. */
            members_mention_all?: boolean | null;
            /** @description Whether members pin messages. */
            members_pin?: boolean | null;
            /** @description The new name. If it is absent, the name stays; null removes it, of a private room. */
            name?: components["schemas"]["RoomName"] | null;
            /** @description What members are shown of how far the others have read. */
            receipts?: components["schemas"]["Receipts"] | null;
            /**
             * Format: uint32
             * @description The seconds that a member must wait between two messages: 0 (no pause) to 21,600. Moderators may set it, too.
             */
            slow_mode_s?: number | null;
            /** @description The new slug. If it is absent, the slug stays; null removes it. */
            slug?: components["schemas"]["Slug"] | null;
            /** @description What the room is about. If it is absent, it stays; null removes it. Direct rooms have none. */
            topic?: components["schemas"]["RoomTopic"] | null;
        };
        /**
         * @description The messages that a newcomer can read: `all`, or `joined` (only those sent after the newcomer became a member).
         * @enum {string}
         */
        RoomHistory: "all" | "joined";
        /**
         * Format: uuid
         * @description The id of a room.
         */
        RoomId: string;
        /**
         * @description The kind of a room: `public` (every user can find and join it), `private` (moderators add members), or `direct` (two users, who never change).
         * @enum {string}
         */
        RoomKind: "public" | "private" | "direct";
        /** @description A message with its room, sequence number and time, as the REST API shows it. */
        RoomMessage: {
            /** @description The time of the commit. */
            at: components["schemas"]["Timestamp"];
            /** @description The attachments, at most 10. */
            attachments: components["schemas"]["Attachment"][];
            /** @description Whether the message was deleted. Then only its place is left; absent if it was not. */
            deleted?: boolean;
            /** @description The time of the last edit; absent if the message was never edited. */
            edited_at?: components["schemas"]["Timestamp"];
            /** @description The beginning of the message to which this one replies; absent if that does not exist or was deleted. */
            excerpt?: components["schemas"]["Excerpt"];
            /** @description The id of the message, unique in its room. */
            id: string;
            /** @description The idempotency key with which it was sent. */
            key: components["schemas"]["IdempotencyKey"];
            /** @description The ids of the members whom the text mentions by `@username`, without the sender, at most 20. */
            mentions: components["schemas"]["UserId"][];
            /**
             * @description Whom the text mentions besides them: `all` (every member, by `@all`) or `here` (the members with a connected device,
             *     by `@here`); absent if it does neither, or if the sender may not.
             */
            mentions_all?: components["schemas"]["MentionAll"];
            /** @description The JSON object with which it was sent; absent if there is none, or if it was deleted. */
            metadata?: components["schemas"]["Metadata"];
            /** @description The reactions, at most 20 emoji, in the order of the first reaction with each; absent if there are none. */
            reactions?: components["schemas"]["Reactions"][];
            /** @description The id of the message to which this one replies; null if it is not a reply. */
            reply_to: string | null;
            /** @description The id of the message's room. */
            room: components["schemas"]["RoomId"];
            /** @description The user who sent it. */
            sender: components["schemas"]["User"];
            /** @description The sequence number of the message in its room. */
            seq: components["schemas"]["Seq"];
            /** @description The text of the message as it is now; empty if it was deleted. */
            text: string;
            /** @description The thread of which the message is the root or in which it stands; absent if there is none. */
            thread?: components["schemas"]["Thread"];
        };
        /** @description A page of a list. */
        RoomMessagePage: {
            /** @description The items of this page. */
            items: components["schemas"]["RoomMessage"][];
            /** @description The value of `cursor` for the next page; null on the last page. */
            next_cursor: string | null;
        };
        /** @description The name of a room: one line with at least one visible character. The server normalizes it (NFC). */
        RoomName: string;
        /** @description A page of a list. */
        RoomPage: {
            /** @description The items of this page. */
            items: components["schemas"]["Room"][];
            /** @description The value of `cursor` for the next page; null on the last page. */
            next_cursor: string | null;
        };
        /** @description A room: its id, its slug, or `ext:` and the embedding site's id of it. */
        RoomRef: string;
        /** @description The set of rooms to list. */
        RoomScope: "mine" | "public";
        /** @description The user's settings for a room. */
        RoomSettings: {
            /**
             * @description The time until which the user wants to be notified of nothing in the room; null if there is none. It may have
             *     passed.
             */
            muted_until: components["schemas"]["Timestamp"] | null;
            /** @description Of what in the room the user wants to be notified. */
            notify: components["schemas"]["NotificationLevel"];
        };
        /** @description The changes to the user's settings for a room. */
        RoomSettingsChanges: {
            /**
             * @description The time until which the user wants to be notified of nothing in the room. If it is absent, the setting stays;
             *     null ends it.
             */
            muted_until?: components["schemas"]["Timestamp"] | null;
            /** @description Of what in the room the user wants to be notified. If it is absent, the setting stays. */
            notify?: components["schemas"]["NotificationLevel"] | null;
        };
        /** @description What a room is about: one line with at least one visible character. The server normalizes it (NFC). */
        RoomTopic: string;
        /** @description A page of messages that were searched for. */
        SearchPage: {
            /**
             * @description Whether everything was searched that was sent before. It is false while messages are still being indexed, and if
             *     the caller is in more than 1,000 rooms: then those with the latest activity were searched.
             */
            complete: boolean;
            /**
             * @description The messages, newest first. A page has at most 64 KiB of texts, so it may have fewer items than `limit`, even none
             *     where more follow.
             */
            items: components["schemas"]["FoundMessage"][];
            /** @description The value of `cursor` for the next page; null on the last page. */
            next_cursor: string | null;
        };
        /** @description What is looked for: words, and parts of words in Korean and other scripts without blanks between words. A message must have all of it. */
        SearchText: string;
        /** @description A message to send on behalf of a user. */
        SendAs: {
            /**
             * @description Whether a user who is not a member first becomes one. For this the API key also needs the scope `rooms`.
             * @default false
             */
            join?: boolean;
            /** @description The idempotency key. The header `Idempotency-Key` may contain it instead. */
            key?: components["schemas"]["IdempotencyKey"] | null;
            /** @description A JSON object, which the message carries. */
            metadata?: components["schemas"]["Metadata"] | null;
            /** @description The text of the message. */
            text: components["schemas"]["MessageText"];
            /** @description The user who appears as the sender. */
            user: components["schemas"]["UserRef"];
        };
        /** @description A message to send. */
        SendMessage: {
            /** @description The attachments, at most 10. */
            attachments?: components["schemas"]["NewAttachment"][];
            /** @description With `thread`: whether the message stands among the messages of the room as well. */
            in_room?: boolean;
            /**
             * @description The idempotency key. The header `Idempotency-Key` may contain it instead. Without a key each request sends a new
             *     message.
             */
            key?: components["schemas"]["IdempotencyKey"] | null;
            /** @description A JSON object, which the message carries. */
            metadata?: components["schemas"]["Metadata"] | null;
            /** @description The id of the message to which this one replies. */
            reply_to?: components["schemas"]["MessageId"] | null;
            /** @description The text of the message. */
            text: components["schemas"]["MessageText"];
            /** @description The id of the message under which this one stands: the root of the thread. */
            thread?: components["schemas"]["MessageId"] | null;
        };
        /** @description The acknowledgement of a committed message. */
        SentMessage: {
            /** @description The time of the commit. */
            at: components["schemas"]["Timestamp"];
            /** @description Whether an earlier request with the same key had already committed the message. */
            duplicate: boolean;
            /** @description The id of the message in its room. */
            id: string;
            /** @description The id of the room. If the URL names the room by a slug, store this id and send by it: a slug may move. */
            room: components["schemas"]["RoomId"];
            /** @description The sequence number of the message in its room. */
            seq: components["schemas"]["Seq"];
        };
        /** @description The acknowledgement of a committed notice. */
        SentNotice: {
            /** @description The time of the commit. */
            at: components["schemas"]["Timestamp"];
            /** @description The sequence number of the notice in the user's inbox. */
            seq: components["schemas"]["Seq"];
        };
        /**
         * Format: int64
         * @description The sequence number of an event in its room, or of a notice in its inbox: contiguous from 1. 0 is before the first.
         */
        Seq: number;
        /**
         * Format: uuid
         * @description The id of a session (a signed-in device).
         */
        SessionId: string;
        /** @description The status of a user after a change. */
        SetStatus: {
            /** @description The status; null if there is none. */
            status: components["schemas"]["Status"] | null;
        };
        /** @description A room with the embedding site's id of it. */
        SiteRoom: {
            /**
             * @description Whether only moderators send.
             * @default false
             */
            announcement: boolean;
            /**
             * @description Whether nobody sends.
             * @default false
             */
            archived: boolean;
            /** @description The address of the room's picture; absent if the room has none. */
            avatar_url?: components["schemas"]["AvatarUrl"];
            /** @description The time of the room's creation. */
            created_at: components["schemas"]["Timestamp"];
            /**
             * Format: uint32
             * @description The seconds for which the sender can edit a message; 0 if the server's setting counts.
             * @default 0
             */
            edit_window_s: number;
            /** @description The site's own id of the room; null if it has none. */
            external_id: components["schemas"]["ExternalId"] | null;
            /**
             * @description Whether guests send, react, and edit and delete what they have sent. Without it they only read.
             * @default false
             */
            guests_send: boolean;
            /** @description The `seq` of the last event in the room. */
            head: components["schemas"]["Seq"];
            /**
             * @description The messages that a newcomer can read: `all`, or `joined`.
             * @default all
             */
            history: components["schemas"]["RoomHistory"];
            /** @description The id of the room. */
            id: components["schemas"]["RoomId"];
            /** @description The kind of the room, which says who can find and join it. */
            kind: components["schemas"]["RoomKind"];
            /** @description The last message; absent if there is none, or if the caller is not a member. */
            last_message?: components["schemas"]["RoomMessage"];
            /**
             * Format: uint64
             * @description The number of members.
             */
            members: number;
            /**
             * @description Whether members add others, and make invitation links.
             * @default false
             */
            members_add: boolean;
            /**
             * @description Whether members mention all.
             * @default false
             */
            members_mention_all: boolean;
            /**
             * @description Whether members pin messages.
             * @default false
             */
            members_pin: boolean;
            /** @description The name of the room. */
            name: components["schemas"]["RoomName"];
            /** @description The caller's read mark; absent if the caller is not a member. */
            read?: components["schemas"]["Seq"];
            /**
             * @description What members are shown of how far the others have read: `none`, `count`, or `names`.
             * @default count
             */
            receipts: components["schemas"]["Receipts"];
            /** @description The caller's role; absent if the caller is not a member. */
            role?: components["schemas"]["Role"];
            /** @description The caller's settings for the room; absent if the caller is not a member. */
            settings?: components["schemas"]["RoomSettings"];
            /**
             * Format: uint32
             * @description The seconds that a member must wait between two messages; 0 if there is no pause.
             * @default 0
             */
            slow_mode_s: number;
            /** @description The slug: the name of the room in URLs; null if it has none. */
            slug: components["schemas"]["Slug"] | null;
            /** @description What the room is about; absent if nobody has said so. */
            topic?: components["schemas"]["RoomTopic"];
            /** @description True if the room has no name of its own. Then `name` has the names of up to five members, without the caller's. */
            unnamed?: boolean;
            /**
             * Format: uint64
             * @description The number of messages of other users after the read mark; absent if the caller is not a member.
             */
            unread?: number;
        };
        /** @description A page of a list. */
        SiteRoomPage: {
            /** @description The items of this page. */
            items: components["schemas"]["SiteRoom"][];
            /** @description The value of `cursor` for the next page; null on the last page. */
            next_cursor: string | null;
        };
        /** @description A user's profile with the embedding site's id of the user. */
        SiteUser: {
            /** @description The URL of the picture; null if there is none. */
            avatar_url: components["schemas"]["AvatarUrl"] | null;
            /** @description The site's own id of the user; null if it has none. */
            external_id: components["schemas"]["ExternalId"] | null;
            /** @description The id of the user. */
            id: components["schemas"]["UserId"];
            /** @description The display name. */
            name: components["schemas"]["DisplayName"];
            /** @description The username, for signing in and for mentions. */
            username: components["schemas"]["Username"];
        };
        /** @description The profile of a new user, or the changes to a user's profile. */
        SiteUserChanges: {
            /**
             * @description The URL of the picture. If it is absent, the picture stays; null removes it.
             * @default null
             */
            avatar_url?: components["schemas"]["AvatarUrl"] | null;
            /** @description The display name. If it is absent, the name stays. */
            name?: components["schemas"]["DisplayName"] | null;
            /** @description The username, by which messages mention the user. If another user has it, the user gets a similar one. */
            username?: components["schemas"]["Username"] | null;
        };
        /** @description A slug: the name of a room in URLs. It never has the form of an id. */
        Slug: string;
        /** @description What a user says of what the user does. */
        Status: {
            /** @description The text. */
            text: components["schemas"]["StatusText"];
            /**
             * @description The time at which the status ends by itself; null if it has no end.
             * @default null
             */
            until: components["schemas"]["Timestamp"] | null;
        };
        /** @description The new status of a user. */
        StatusChange: {
            /** @description The text; null ends the status. */
            text?: components["schemas"]["StatusText"] | null;
            /** @description The time at which the status ends by itself. If it is absent or null, the status has no end. */
            until?: components["schemas"]["Timestamp"] | null;
        };
        /** @description What a user says of what the user does: one line with at least one visible character. The server normalizes it (NFC). */
        StatusText: string;
        /** @description A page of what a client needs to start. A subscription from a `cursor` of it gets all that came after, once. */
        Sync: {
            /** @description The users whom the user has blocked, the latest block first. They follow after the last room. */
            blocked: components["schemas"]["BlockedUser"][];
            /** @description The state of the inbox. */
            inbox: components["schemas"]["InboxStanding"];
            /** @description The value of `cursor` for the next page; null on the last page. */
            next_cursor: string | null;
            /**
             * @description The user's rooms, latest activity first. A room whose activity changes between two pages may come again: then the
             *     later entry counts.
             */
            rooms: components["schemas"]["SyncedRoom"][];
            /** @description The user's settings. */
            settings: components["schemas"]["UserSettings"];
        };
        /** @description A cursor for a subscription. */
        SyncCursor: {
            /** @description The epoch of `seq`. */
            epoch: components["schemas"]["Epoch"];
            /** @description The `seq` of the last event that is part of the answer. */
            seq: components["schemas"]["Seq"];
        };
        /** @description A room of the user. */
        SyncedRoom: {
            /**
             * @description Whether only moderators send.
             * @default false
             */
            announcement: boolean;
            /**
             * @description Whether nobody sends.
             * @default false
             */
            archived: boolean;
            /** @description The address of the room's picture; absent if the room has none. */
            avatar_url?: components["schemas"]["AvatarUrl"];
            /** @description The time of the room's creation. */
            created_at: components["schemas"]["Timestamp"];
            /** @description The cursor of the room: `since` and `epoch` of `subscribe`. */
            cursor: components["schemas"]["SyncCursor"];
            /**
             * Format: uint32
             * @description The seconds for which the sender can edit a message; 0 if the server's setting counts.
             * @default 0
             */
            edit_window_s: number;
            /**
             * @description Whether guests send, react, and edit and delete what they have sent. Without it they only read.
             * @default false
             */
            guests_send: boolean;
            /** @description The `seq` of the last event in the room. */
            head: components["schemas"]["Seq"];
            /**
             * @description The messages that a newcomer can read: `all`, or `joined`.
             * @default all
             */
            history: components["schemas"]["RoomHistory"];
            /** @description The id of the room. */
            id: components["schemas"]["RoomId"];
            /** @description The kind of the room, which says who can find and join it. */
            kind: components["schemas"]["RoomKind"];
            /** @description The last message; absent if there is none, or if the caller is not a member. */
            last_message?: components["schemas"]["RoomMessage"];
            /**
             * Format: uint64
             * @description The number of members.
             */
            members: number;
            /**
             * @description Whether members add others, and make invitation links.
             * @default false
             */
            members_add: boolean;
            /**
             * @description Whether members mention all.
             * @default false
             */
            members_mention_all: boolean;
            /**
             * @description Whether members pin messages.
             * @default false
             */
            members_pin: boolean;
            /**
             * Format: uint64
             * @description The number of unread messages that mention the user, among the latest 1,000 notices of the inbox.
             */
            mentions: number;
            /** @description The name of the room. */
            name: components["schemas"]["RoomName"];
            /** @description The caller's read mark; absent if the caller is not a member. */
            read?: components["schemas"]["Seq"];
            /**
             * @description What members are shown of how far the others have read: `none`, `count`, or `names`.
             * @default count
             */
            receipts: components["schemas"]["Receipts"];
            /** @description The caller's role; absent if the caller is not a member. */
            role?: components["schemas"]["Role"];
            /** @description The caller's settings for the room; absent if the caller is not a member. */
            settings?: components["schemas"]["RoomSettings"];
            /**
             * Format: uint32
             * @description The seconds that a member must wait between two messages; 0 if there is no pause.
             * @default 0
             */
            slow_mode_s: number;
            /** @description The slug: the name of the room in URLs; null if it has none. */
            slug: components["schemas"]["Slug"] | null;
            /** @description What the room is about; absent if nobody has said so. */
            topic?: components["schemas"]["RoomTopic"];
            /** @description True if the room has no name of its own. Then `name` has the names of up to five members, without the caller's. */
            unnamed?: boolean;
            /**
             * Format: uint64
             * @description The number of messages of other users after the read mark; absent if the caller is not a member.
             */
            unread?: number;
        };
        /** @description A place in a text, in UTF-16 code units, as the strings of browsers count. */
        TextRange: {
            /**
             * Format: uint32
             * @description The code unit behind the last one.
             */
            end: number;
            /**
             * Format: uint32
             * @description The first code unit.
             */
            start: number;
        };
        /**
         * @description A thread: messages that stand under another one, the root. In the root it is the thread as it is now. In a message of
         *     the thread and in `deleted` it is the thread after that event, so a client shows it with the root.
         */
        Thread: {
            /** @description The ids of the users who wrote them, the last one first, at most 5. */
            by: components["schemas"]["UserId"][];
            /** @description In a message of the thread: whether it stands among the messages of the room as well; absent if it does not. */
            in_room?: boolean;
            /** @description The time of the last of them; absent if there are none. */
            last_at?: components["schemas"]["Timestamp"];
            /**
             * Format: uint64
             * @description The number of messages in the thread, without the root and without deleted ones.
             */
            replies: number;
            /** @description The id of the root; absent in the root itself. */
            root?: components["schemas"]["MessageId"];
        };
        /** @description A page of the messages of a thread. */
        ThreadPage: {
            /** @description Whether the user follows the thread. Who does not has no read mark, and nothing unread. */
            following: boolean;
            /** @description The messages without the root: newest first, but oldest first if the query has `after`. */
            items: components["schemas"]["RoomMessage"][];
            /**
             * @description Whether more messages follow the last one. A page has at most 64 KiB of texts, so it may have fewer items than
             *     `limit`.
             */
            more: boolean;
            /** @description Always null: ask for the next page by the `seq` of the last message. */
            next_cursor: string | null;
            /** @description The read mark: the `seq` up to which the user has read the thread. It never moves back. */
            read: components["schemas"]["Seq"];
            /** @description The root of the thread. */
            root: components["schemas"]["RoomMessage"];
            /**
             * Format: uint64
             * @description The number of messages of other users in the thread after the read mark.
             */
            unread: number;
        };
        /** @description The user's place in a thread. */
        ThreadPlace: {
            /** @description Whether the user follows the thread. Who does not has no read mark, and nothing unread. */
            following: boolean;
            /** @description The read mark: the `seq` up to which the user has read the thread. It never moves back. */
            read: components["schemas"]["Seq"];
            /**
             * Format: uint64
             * @description The number of messages of other users in the thread after the read mark.
             */
            unread: number;
        };
        /** @description A size of thumbnails. */
        ThumbnailSize: "small" | "large";
        /** @description A ticket, which opens one WebSocket as `?ticket=`. */
        Ticket: {
            /**
             * Format: uint64
             * @description The number of seconds for which the ticket is valid.
             */
            expires_in: number;
            /** @description The ticket: an opaque text, valid for one WebSocket. */
            ticket: string;
        };
        /**
         * Format: date-time
         * @description A time (RFC 3339) in UTC, with milliseconds.
         */
        Timestamp: string;
        /** @description The tokens of a signed-in device. */
        Tokens: {
            /** @description The access token for REST and the WebSocket: a JWT, valid for `expires_in` seconds. */
            access_token: string;
            /**
             * Format: uint64
             * @description The number of seconds for which the access token is valid.
             */
            expires_in: number;
            /** @description The refresh token of this device: an opaque text, valid for one refresh. */
            refresh_token: string;
            /** @description The type of the access token: always `Bearer`. */
            token_type: string;
            /** @description The user who signed in. */
            user: components["schemas"]["Account"];
        };
        /** @description A user's profile as other members of a room see it. */
        User: {
            /** @description The URL of the picture; null if there is none. */
            avatar_url: components["schemas"]["AvatarUrl"] | null;
            /** @description The id of the user. */
            id: components["schemas"]["UserId"];
            /** @description The display name. */
            name: components["schemas"]["DisplayName"];
        };
        /**
         * Format: uuid
         * @description The id of a user.
         */
        UserId: string;
        /** @description A user: the id, or `ext:` and the embedding site's id of the user. */
        UserRef: string;
        /** @description The settings of a user. */
        UserSettings: {
            /** @description The users who may add this user to rooms. All others can only invite the user. */
            added_by: components["schemas"]["AddedBy"];
            /**
             * @description The time until which the user is not to be disturbed; null if there is none. Notices arrive meanwhile, and
             *     clients show them without an alert. It may have passed.
             * @default null
             */
            do_not_disturb_until: components["schemas"]["Timestamp"] | null;
            /**
             * @description Whether others see when the user was last present.
             * @default true
             */
            last_seen: boolean;
            /**
             * @description Whether others see that the user is present.
             * @default true
             */
            presence: boolean;
            /**
             * @description Whether others see that the user types.
             * @default true
             */
            typing: boolean;
        };
        /** @description The changes to a user's settings. */
        UserSettingsChanges: {
            /** @description The users who may add this user to rooms. If it is absent, the setting stays. */
            added_by?: components["schemas"]["AddedBy"] | null;
            /** @description The time until which the user is not to be disturbed. If it is absent, the setting stays; null ends it. */
            do_not_disturb_until?: components["schemas"]["Timestamp"] | null;
            /**
             * @description Whether others see when the user was last present. If it is absent, the setting stays. With false, what is known
             *     is forgotten.
             */
            last_seen?: boolean | null;
            /** @description Whether others see that the user is present. If it is absent, the setting stays. */
            presence?: boolean | null;
            /** @description Whether others see that the user types. If it is absent, the setting stays. */
            typing?: boolean | null;
        };
        /** @description A username, for signing in and for mentions (RFC 8265, UsernameCaseMapped): letters, marks and digits of any script, `_`, `.` and `-`. Case, composition, width and surrounding blanks do not count. A username counts as taken if it looks like another user's in letters of another script. */
        Username: string;
        /**
         * @description What becomes of a message with a word of the list: it is refused (`refuse`), or sent and reported to the moderators (`flag`).
         * @enum {string}
         */
        WordAction: "refuse" | "flag";
        /** @description Words that are not accepted in messages. */
        WordList: {
            /** @description What becomes of a message with one of them. */
            action: components["schemas"]["WordAction"];
            /** @description The words, at most 500, in no order; none if all words are accepted. */
            words: components["schemas"]["ListedWord"][];
        };
        /** @description A message was deleted, with its text, attachments, mentions, reactions, former texts and pin. */
        Deleted: {
            /** @description The id of the user who deleted it. */
            by: components["schemas"]["UserId"];
            /** @description The id of the message. */
            message: components["schemas"]["MessageId"];
            /** @description The thread in which it stood, without it; absent if it stood in none. */
            thread?: components["schemas"]["Thread"];
        };
        /** @description The text of a message was changed. */
        Edited: {
            /** @description The time of the edit. */
            edited_at: components["schemas"]["Timestamp"];
            /** @description The ids of the members whom the text mentions. */
            mentions: components["schemas"]["UserId"][];
            /** @description Whom the text mentions besides them; absent if nobody. */
            mentions_all?: components["schemas"]["MentionAll"];
            /** @description The id of the message. */
            message: components["schemas"]["MessageId"];
            /**
             * @description The text from then on. Null if a later edit has replaced it or the message was deleted: the log keeps no former
             *     text, and the event that says so follows.
             */
            text: string | null;
        };
        /** @description An event in a room. */
        Event: {
            /** @description The time of the commit. */
            at: components["schemas"]["Timestamp"];
            /** @description The id of the room. */
            room: components["schemas"]["RoomId"];
            /** @description The sequence number of the event in its room. */
            seq: components["schemas"]["Seq"];
        } & ({
            /** @constant */
            kind: "message";
            /** @description The message. */
            message: components["schemas"]["Message"];
        } | {
            /** @description The new member and the role. */
            joined: components["schemas"]["Joined"];
            /** @constant */
            kind: "joined";
        } | {
            /** @constant */
            kind: "left";
            /** @description The former member, and the user who removed the member. */
            left: components["schemas"]["Left"];
        } | {
            /** @constant */
            kind: "role";
            /** @description The member and the new role. */
            role: components["schemas"]["RoleChange"];
        } | {
            /** @constant */
            kind: "room";
            /**
             * @description The properties after the change. The field is not called `room`, since `room` is the id of the room in every
             *     event.
             */
            properties: components["schemas"]["Properties"];
        } | {
            /** @constant */
            kind: "pinned";
            /** @description The message, and whether it is pinned. */
            pinned: components["schemas"]["Pinned"];
        } | {
            /** @description The message and its text. */
            edited: components["schemas"]["Edited"];
            /** @constant */
            kind: "edited";
        } | {
            /** @description The message, and the user who deleted it. */
            deleted: components["schemas"]["Deleted"];
            /** @constant */
            kind: "deleted";
        } | {
            /** @constant */
            kind: "reaction";
            /** @description The message, the user and the emoji. */
            reaction: components["schemas"]["Reaction"];
        } | {
            /** @description The user, and the end of the ban. */
            banned: components["schemas"]["Restricted"];
            /** @constant */
            kind: "banned";
        } | {
            /** @constant */
            kind: "muted";
            /** @description The member, and the end of the mute. */
            muted: components["schemas"]["Restricted"];
        } | {
            /** @constant */
            kind: "unknown";
        });
        /** @description A user became a member of the room. */
        Joined: {
            /** @description The id of the user who added the member: the member's own id if the member joined. */
            by: components["schemas"]["UserId"];
            /** @description The role of the new member. */
            role: components["schemas"]["Role"];
            /** @description The profile of the new member. */
            user: components["schemas"]["User"];
        };
        /** @description A member left the room or was removed. */
        Left: {
            /** @description The id of the user who removed the member: the member's own id if the member left. */
            by: components["schemas"]["UserId"];
            /** @description The id of the former member. */
            user: components["schemas"]["UserId"];
        };
        /** @description The limits of a socket. */
        Limits: {
            /**
             * Format: uint
             * @description The maximum size of a frame, in bytes.
             */
            frame_bytes: number;
            /**
             * Format: uint32
             * @description The maximum number of events that are replayed to one subscription.
             */
            replay_events: number;
            /**
             * Format: uint
             * @description The maximum number of rooms that one `subscribe` may name.
             */
            subscribe_rooms: number;
            /**
             * Format: uint
             * @description The maximum length of a message's text, in characters.
             */
            text_chars: number;
        };
        /** @description A message in a room. */
        Message: {
            /** @description The attachments, at most 10. */
            attachments: components["schemas"]["Attachment"][];
            /** @description Whether the message was deleted. Then only its place is left; absent if it was not. */
            deleted?: boolean;
            /** @description The time of the last edit; absent if the message was never edited. */
            edited_at?: components["schemas"]["Timestamp"];
            /** @description The beginning of the message to which this one replies; absent if that does not exist or was deleted. */
            excerpt?: components["schemas"]["Excerpt"];
            /** @description The id of the message, unique in its room. */
            id: string;
            /** @description The idempotency key with which it was sent. */
            key: components["schemas"]["IdempotencyKey"];
            /** @description The ids of the members whom the text mentions by `@username`, without the sender, at most 20. */
            mentions: components["schemas"]["UserId"][];
            /**
             * @description Whom the text mentions besides them: `all` (every member, by `@all`) or `here` (the members with a connected device,
             *     by `@here`); absent if it does neither, or if the sender may not.
             */
            mentions_all?: components["schemas"]["MentionAll"];
            /** @description The JSON object with which it was sent; absent if there is none, or if it was deleted. */
            metadata?: components["schemas"]["Metadata"];
            /** @description The reactions, at most 20 emoji, in the order of the first reaction with each; absent if there are none. */
            reactions?: components["schemas"]["Reactions"][];
            /** @description The id of the message to which this one replies; null if it is not a reply. */
            reply_to: string | null;
            /** @description The user who sent it. */
            sender: components["schemas"]["User"];
            /** @description The text of the message as it is now; empty if it was deleted. */
            text: string;
            /** @description The thread of which the message is the root or in which it stands; absent if there is none. */
            thread?: components["schemas"]["Thread"];
        };
        /** @description A message was pinned or unpinned. */
        Pinned: {
            /** @description The id of the user who pinned or unpinned the message. */
            by: components["schemas"]["UserId"];
            /** @description The id of the message. */
            message: components["schemas"]["MessageId"];
            /** @description True if the message was pinned; false if it was unpinned. */
            on: boolean;
        };
        /** @description A user has entered a room or has left it. */
        PresenceChange: {
            /** @description True if the user entered, with a first socket at any gateway; false if the user left, with the last one. */
            on: boolean;
            /** @description The profile of the user. */
            user: components["schemas"]["User"];
        };
        /** @description The properties of a room after a change. */
        Properties: {
            /**
             * @description Whether only moderators send.
             * @default false
             */
            announcement: boolean;
            /**
             * @description Whether nobody sends.
             * @default false
             */
            archived: boolean;
            /** @description The address of the room's picture; absent if the room has none. */
            avatar_url?: components["schemas"]["AvatarUrl"];
            /** @description The id of the user who made the change. */
            by: components["schemas"]["UserId"];
            /** @description Whether the room was deleted. Then this is its last event. */
            deleted: boolean;
            /**
             * Format: uint32
             * @description The seconds for which the sender can edit a message; 0 if the server's setting counts.
             * @default 0
             */
            edit_window_s: number;
            /**
             * @description Whether guests send, react, and edit and delete what they have sent. Without it they only read.
             * @default false
             */
            guests_send: boolean;
            /**
             * @description The messages that a newcomer can read: `all`, or `joined`.
             * @default all
             */
            history: components["schemas"]["RoomHistory"];
            /**
             * @description Whether members add others, and make invitation links.
             * @default false
             */
            members_add: boolean;
            /**
             * @description Whether members mention all.
             * @default false
             */
            members_mention_all: boolean;
            /**
             * @description Whether members pin messages.
             * @default false
             */
            members_pin: boolean;
            /** @description The name of the room. */
            name: components["schemas"]["RoomName"];
            /**
             * @description What members are shown of how far the others have read: `none`, `count`, or `names`.
             * @default count
             */
            receipts: components["schemas"]["Receipts"];
            /**
             * Format: uint32
             * @description The seconds that a member must wait between two messages; 0 if there is no pause.
             * @default 0
             */
            slow_mode_s: number;
            /** @description The slug of the room; null if it has none. */
            slug: components["schemas"]["Slug"] | null;
            /** @description What the room is about; absent if nobody has said so. */
            topic?: components["schemas"]["RoomTopic"];
            /** @description True if the room has no name of its own. Then `name` is a placeholder; get the room for the names of its members. */
            unnamed?: boolean;
        };
        /** @description A user reacted to a message with an emoji, or took the reaction back. */
        Reaction: {
            /**
             * Format: uint64
             * @description The number of users who react with the emoji after this event.
             */
            count: number;
            /** @description The emoji. */
            emoji: components["schemas"]["Emoji"];
            /** @description The id of the message. */
            message: components["schemas"]["MessageId"];
            /** @description True if the user reacts with the emoji now; false if the user no longer does. */
            on: boolean;
            /** @description The id of the user. */
            user: components["schemas"]["UserId"];
        };
        /** @description The id that a client gives to a request: a text of at most 64 bytes. The answer repeats it as `re`. */
        RequestId: string;
        /** @description A ban or a mute was imposed on a user, or ended before its time. */
        Restricted: {
            /** @description The id of the user who imposed or ended it; the user's own id if the embedding site's backend did. */
            by: components["schemas"]["UserId"];
            /** @description True if it is imposed; false if it was ended. An end by its time has no event. */
            on: boolean;
            /** @description The time at which it ends by itself; null if it has no end, or was ended. */
            until: components["schemas"]["Timestamp"] | null;
            /** @description The id of the user. */
            user: components["schemas"]["UserId"];
        };
        /** @description The role of a member changed. */
        RoleChange: {
            /** @description The id of the user who changed the role. */
            by: components["schemas"]["UserId"];
            /** @description The new role. */
            role: components["schemas"]["Role"];
            /** @description The id of the member. */
            user: components["schemas"]["UserId"];
        };
        /** @description The error of `subscribe` for one room. */
        RoomError: {
            /** @description The error code. */
            code: components["schemas"]["Code"];
            /** @description The name of the limit that was reached; present with `rate_limited`. */
            limit?: string;
            /** @description A sentence for developers, which says what is wrong or what to do next. */
            message: string;
            /**
             * Format: uint64
             * @description The number of milliseconds to wait before a retry; absent if a retry does not help.
             */
            retry_after_ms?: number;
        };
        /** @description A room to subscribe to, with the client's cursor. */
        RoomSince: {
            /** @description The epoch of `since`, from an earlier frame `subscribed`. */
            epoch?: components["schemas"]["Epoch"] | null;
            /** @description The room to subscribe to. */
            room: components["schemas"]["RoomRef"];
            /** @description The `seq` of the last event that the client has seen. If it is absent, the subscription starts from now. */
            since?: components["schemas"]["Seq"] | null;
        };
        /** @description The result of `subscribe` for one room. */
        SubscribedRoom: {
            /** @description Whether all missed events follow. If it is false, none of them does: get them by `history`. */
            complete: boolean;
            /** @description The epoch of the room. */
            epoch: components["schemas"]["Epoch"];
            /** @description The `seq` after which events follow. */
            from: components["schemas"]["Seq"];
            /** @description The `seq` of the last event in the room. */
            head: components["schemas"]["Seq"];
            /**
             * Format: uint64
             * @description The number of members of the room.
             */
            members: number;
            /** @description The read mark of the user in the room. */
            read: components["schemas"]["Seq"];
            /** @description The role of the user in the room. */
            role: components["schemas"]["Role"];
            /** @description The id of the room. */
            room: components["schemas"]["RoomId"];
            /** @description The slug; present if the request named the room by it. */
            slug?: components["schemas"]["Slug"];
        } | {
            /** @description The error. */
            error: components["schemas"]["RoomError"];
            /** @description The room as the request named it. */
            room: string;
        };
        /** @description Authenticates the socket, as its first frame. Later it renews the credential. */
        ClientAuth: {
            id?: components["schemas"]["RequestId"];
            /** @description The epoch of `inbox_since`, from an earlier frame `inbox`. */
            inbox_epoch?: components["schemas"]["Epoch"] | null;
            /** @description The `seq` of the last notice that the client has seen. The later notices follow. */
            inbox_since?: components["schemas"]["Seq"] | null;
            /** @description The access token. */
            token: string;
            /**
             * @description The type of the frame.
             * @constant
             */
            type: "auth";
        };
        /** @description Deletes a message. */
        ClientDelete: {
            id?: components["schemas"]["RequestId"];
            /** @description The id of the message. */
            message: components["schemas"]["MessageId"];
            /** @description The room of the message. */
            room: components["schemas"]["RoomRef"];
            /**
             * @description The type of the frame.
             * @constant
             */
            type: "delete";
        };
        /** @description Changes the text of the user's own message. */
        ClientEdit: {
            id?: components["schemas"]["RequestId"];
            /** @description The id of the message. */
            message: components["schemas"]["MessageId"];
            /** @description The room of the message. */
            room: components["schemas"]["RoomRef"];
            /** @description The new text of the message. */
            text: components["schemas"]["MessageText"];
            /**
             * @description The type of the frame.
             * @constant
             */
            type: "edit";
        };
        /** @description Requests a page of a room's events. */
        ClientHistory: {
            /** @description Selects events above this `seq`, oldest first. */
            after?: components["schemas"]["Seq"] | null;
            /**
             * @description Selects events below this `seq`, newest first. Without `before` and `after` the page starts at the newest
             *     event.
             */
            before?: components["schemas"]["Seq"] | null;
            id?: components["schemas"]["RequestId"];
            /**
             * Format: uint32
             * @description The maximum number of events of the page: 1 to 200, 50 by default.
             */
            limit?: number | null;
            /** @description The room. */
            room: components["schemas"]["RoomRef"];
            /**
             * @description The type of the frame.
             * @constant
             */
            type: "history";
        };
        /** @description Pins or unpins a message. */
        ClientPin: {
            id?: components["schemas"]["RequestId"];
            /** @description The id of the message. */
            message: components["schemas"]["MessageId"];
            /** @description True pins the message; false unpins it. */
            on: boolean;
            /** @description The room of the message. */
            room: components["schemas"]["RoomRef"];
            /**
             * @description The type of the frame.
             * @constant
             */
            type: "pin";
        };
        /** @description Checks that the gateway answers. The gateway does not call the store for it. */
        ClientPing: {
            id?: components["schemas"]["RequestId"];
            /**
             * @description The type of the frame.
             * @constant
             */
            type: "ping";
        };
        /** @description Requests the users who are present in a room. */
        ClientPresence: {
            id?: components["schemas"]["RequestId"];
            /** @description The room. */
            room: components["schemas"]["RoomRef"];
            /**
             * @description The type of the frame.
             * @constant
             */
            type: "presence";
        };
        /** @description Reacts to a message, or takes the reaction back. */
        ClientReact: {
            /** @description The emoji. */
            emoji: components["schemas"]["Emoji"];
            id?: components["schemas"]["RequestId"];
            /** @description The id of the message. */
            message: components["schemas"]["MessageId"];
            /** @description True adds the reaction; false takes it back. */
            on: boolean;
            /** @description The room of the message. */
            room: components["schemas"]["RoomRef"];
            /**
             * @description The type of the frame.
             * @constant
             */
            type: "react";
        };
        /** @description Moves the user's read mark in a room. It never moves back. */
        ClientRead: {
            id?: components["schemas"]["RequestId"];
            /** @description The room. */
            room: components["schemas"]["RoomRef"];
            /** @description The `seq` of the last event that the user has read. */
            seq: components["schemas"]["Seq"];
            /**
             * @description The type of the frame.
             * @constant
             */
            type: "read";
        };
        /** @description Acknowledges that this device has received the events of a room. It never moves back. */
        ClientReceived: {
            id?: components["schemas"]["RequestId"];
            /** @description The room. */
            room: components["schemas"]["RoomRef"];
            /** @description The `seq` of the last event that the device has received. */
            seq: components["schemas"]["Seq"];
            /**
             * @description The type of the frame.
             * @constant
             */
            type: "received";
        };
        /** @description Sends a message to a room. */
        ClientSend: {
            /** @description The attachments, at most 10. */
            attachments?: components["schemas"]["NewAttachment"][];
            id?: components["schemas"]["RequestId"];
            /** @description With `thread`: whether the message stands among the messages of the room as well. */
            in_room?: boolean;
            /** @description The idempotency key. A repeated request with the same key does not send a second message. */
            key: components["schemas"]["IdempotencyKey"];
            /** @description A JSON object, which the message carries. */
            metadata?: components["schemas"]["Metadata"] | null;
            /** @description The id of the message to which this one replies. */
            reply_to?: components["schemas"]["MessageId"] | null;
            /** @description The room to send to. */
            room: components["schemas"]["RoomRef"];
            /** @description The text of the message. */
            text: components["schemas"]["MessageText"];
            /** @description The id of the message under which this one stands: the root of the thread. */
            thread?: components["schemas"]["MessageId"] | null;
            /**
             * @description The type of the frame.
             * @constant
             */
            type: "send";
        };
        /** @description Subscribes to rooms, each from a cursor or from now. */
        ClientSubscribe: {
            /** @description Whether to subscribe to all rooms of which the user is a member, up to the limit of a socket. */
            all?: boolean;
            /** @description With `all`: the `seq` of the last event that the client has seen, by the id of the room. */
            cursors?: {
                [key: string]: components["schemas"]["Seq"];
            };
            id?: components["schemas"]["RequestId"];
            /** @description The epoch of `inbox_since`, from an earlier frame `inbox`. */
            inbox_epoch?: components["schemas"]["Epoch"] | null;
            /** @description The `seq` of the last notice that the client has seen. The subscription to the inbox restarts from there. */
            inbox_since?: components["schemas"]["Seq"] | null;
            /** @description The rooms to subscribe to, at most 100. */
            rooms?: components["schemas"]["RoomSince"][];
            /**
             * @description The type of the frame.
             * @constant
             */
            type: "subscribe";
        };
        /** @description Announces to the room's subscribers that the user is typing or has stopped. */
        ClientTyping: {
            id?: components["schemas"]["RequestId"];
            /** @description True if the user is typing; false if the user has stopped. */
            on: boolean;
            /** @description The room. */
            room: components["schemas"]["RoomRef"];
            /** @description The id of the root of the thread in which the user is typing; absent if it is among the messages of the room. */
            thread?: components["schemas"]["MessageId"] | null;
            /**
             * @description The type of the frame.
             * @constant
             */
            type: "typing";
        };
        /** @description Ends subscriptions to rooms. */
        ClientUnsubscribe: {
            id?: components["schemas"]["RequestId"];
            /** @description The rooms to unsubscribe from. */
            rooms: components["schemas"]["RoomRef"][];
            /**
             * @description The type of the frame.
             * @constant
             */
            type: "unsubscribe";
        };
        /** @description The answer to `send`: the message is committed. */
        ServerAck: {
            /** @description The time of the commit. */
            at: components["schemas"]["Timestamp"];
            /** @description Whether an earlier request with the same key had already committed the message. */
            duplicate: boolean;
            /** @description The id of the message. */
            id: string;
            /** @description The idempotency key of the request. */
            key: components["schemas"]["IdempotencyKey"];
            /** @description The id of the request. */
            re?: components["schemas"]["RequestId"];
            /** @description The id of the room. */
            room: components["schemas"]["RoomId"];
            /** @description The sequence number of the message in its room. */
            seq: components["schemas"]["Seq"];
            /**
             * @description The type of the frame.
             * @constant
             */
            type: "ack";
        };
        /** @description The server has sent all missed events of a room. */
        ServerCaughtUp: {
            /** @description The id of the room. */
            room: components["schemas"]["RoomId"];
            /** @description The `seq` of the last event that was sent, or of the cursor if none was missed. */
            seq: components["schemas"]["Seq"];
            /**
             * @description The type of the frame.
             * @constant
             */
            type: "caught_up";
        };
        /** @description What the devices of a room's members have received. */
        ServerDelivered: {
            /**
             * @description All marks of the room as they are now, in order. As many members have not received a message as stand at marks
             *     below its `seq`.
             */
            marks: components["schemas"]["Mark"][];
            /** @description The id of the room. */
            room: components["schemas"]["RoomId"];
            /**
             * @description The type of the frame.
             * @constant
             */
            type: "delivered";
        };
        /** @description The server refused a request. The socket stays open. */
        ServerError: {
            /** @description The error code. */
            code: components["schemas"]["Code"];
            /** @description The name of the limit that was reached; present with `rate_limited`. */
            limit?: string;
            /** @description A sentence for developers, which says what is wrong or what to do next. */
            message: string;
            /** @description The id of the request; absent if it had none, or if the id could not be found in a malformed frame. */
            re?: components["schemas"]["RequestId"];
            /**
             * Format: uint64
             * @description The number of milliseconds to wait before a retry; absent if a retry does not help.
             */
            retry_after_ms?: number;
            /**
             * @description The type of the frame.
             * @constant
             */
            type: "error";
        };
        /** @description An event in a room. */
        ServerEvent: {
            /** @description The time of the commit. */
            at: components["schemas"]["Timestamp"];
            /** @description The id of the room. */
            room: components["schemas"]["RoomId"];
            /** @description The sequence number of the event in its room. */
            seq: components["schemas"]["Seq"];
            /**
             * @description The type of the frame.
             * @constant
             */
            type: "event";
        } & ({
            /** @constant */
            kind: "message";
            /** @description The message. */
            message: components["schemas"]["Message"];
        } | {
            /** @description The new member and the role. */
            joined: components["schemas"]["Joined"];
            /** @constant */
            kind: "joined";
        } | {
            /** @constant */
            kind: "left";
            /** @description The former member, and the user who removed the member. */
            left: components["schemas"]["Left"];
        } | {
            /** @constant */
            kind: "role";
            /** @description The member and the new role. */
            role: components["schemas"]["RoleChange"];
        } | {
            /** @constant */
            kind: "room";
            /**
             * @description The properties after the change. The field is not called `room`, since `room` is the id of the room in every
             *     event.
             */
            properties: components["schemas"]["Properties"];
        } | {
            /** @constant */
            kind: "pinned";
            /** @description The message, and whether it is pinned. */
            pinned: components["schemas"]["Pinned"];
        } | {
            /** @description The message and its text. */
            edited: components["schemas"]["Edited"];
            /** @constant */
            kind: "edited";
        } | {
            /** @description The message, and the user who deleted it. */
            deleted: components["schemas"]["Deleted"];
            /** @constant */
            kind: "deleted";
        } | {
            /** @constant */
            kind: "reaction";
            /** @description The message, the user and the emoji. */
            reaction: components["schemas"]["Reaction"];
        } | {
            /** @description The user, and the end of the ban. */
            banned: components["schemas"]["Restricted"];
            /** @constant */
            kind: "banned";
        } | {
            /** @constant */
            kind: "muted";
            /** @description The member, and the end of the mute. */
            muted: components["schemas"]["Restricted"];
        } | {
            /** @constant */
            kind: "unknown";
        });
        /** @description The server has authenticated the socket. */
        ServerHello: {
            /**
             * Format: uint64
             * @description The interval of pings to a silent client, in milliseconds. After more than twice as long the server closes the
             *     socket.
             */
            heartbeat_ms: number;
            /** @description The limits of this socket. */
            limits: components["schemas"]["Limits"];
            /** @description The id of the session (the signed-in device). */
            session: components["schemas"]["SessionId"];
            /**
             * @description The type of the frame.
             * @constant
             */
            type: "hello";
            /** @description The profile of the user. */
            user: components["schemas"]["User"];
        };
        /** @description The subscription to the user's inbox begins. The missed notices follow, in order, and then the new ones. */
        ServerInbox: {
            /** @description Whether all missed notices follow. If it is false, none of them does: get them by `GET /v1/inbox`. */
            complete: boolean;
            /** @description The epoch of the inbox. */
            epoch: components["schemas"]["Epoch"];
            /** @description The `seq` after which notices follow. */
            from: components["schemas"]["Seq"];
            /** @description The `seq` of the last notice; 0 if there is none. */
            head: components["schemas"]["Seq"];
            /** @description The read mark: the `seq` up to which the user has read the inbox. */
            read: components["schemas"]["Seq"];
            /**
             * @description The type of the frame.
             * @constant
             */
            type: "inbox";
            /**
             * Format: uint64
             * @description The number of notices after the read mark.
             */
            unread: number;
        };
        /** @description The user moved the read mark of the inbox on any device. */
        ServerInboxRead: {
            /** @description The read mark: the `seq` up to which the user has read the inbox. */
            read: components["schemas"]["Seq"];
            /**
             * @description The type of the frame.
             * @constant
             */
            type: "inbox_read";
            /**
             * Format: uint64
             * @description The number of notices after the read mark that are not dismissed.
             */
            unread: number;
        };
        /** @description A message mentions the members who are here. */
        ServerMentionedHere: {
            /** @description The id of the message in the room. */
            message: components["schemas"]["MessageId"];
            /** @description The id of the message's room. */
            room: components["schemas"]["RoomId"];
            /** @description The profile of the message's sender. */
            sender: components["schemas"]["User"];
            /** @description The sequence number of the message in its room. */
            seq: components["schemas"]["Seq"];
            /**
             * @description The type of the frame.
             * @constant
             */
            type: "mentioned_here";
        };
        /** @description A notice in the user's inbox. */
        ServerNotice: {
            /** @description The time of the commit. */
            at: components["schemas"]["Timestamp"];
            /** @description The sequence number of the notice in the inbox. */
            seq: components["schemas"]["Seq"];
            /**
             * @description The type of the frame.
             * @constant
             */
            type: "notice";
        } & ({
            data: components["schemas"]["Mention"];
            /** @constant */
            kind: "mention";
        } | {
            data: components["schemas"]["Invite"];
            /** @constant */
            kind: "invite";
        } | {
            data: components["schemas"]["CustomData"];
            /** @constant */
            kind: "custom";
        } | {
            data: components["schemas"]["RestrictionNotice"];
            /** @constant */
            kind: "ban";
        } | {
            data: components["schemas"]["RestrictionNotice"];
            /** @constant */
            kind: "mute";
        } | {
            data: components["schemas"]["Dismissed"];
            /** @constant */
            kind: "dismissed";
        } | {
            data: components["schemas"]["Reply"];
            /** @constant */
            kind: "reply";
        } | {
            /** @constant */
            kind: "unknown";
        });
        /** @description The request was executed. It has no result. */
        ServerOk: {
            /** @description The id of the request. */
            re?: components["schemas"]["RequestId"];
            /** @constant */
            type: "ok";
        };
        /** @description A page of a room's events: newest first, but oldest first if the request has `after`. */
        ServerOkHistory: {
            /** @description The events, of all kinds. */
            events: components["schemas"]["Event"][];
            /**
             * @description Whether more events follow the last one. A page has at most 64 KiB of texts, so it may have fewer events than
             *     `limit`.
             * @default false
             */
            more: boolean;
            /** @description The id of the request. */
            re?: components["schemas"]["RequestId"];
            /** @description The id of the room. */
            room: components["schemas"]["RoomId"];
            /** @constant */
            type: "ok";
        };
        /** @description The users who are present in a room. */
        ServerOkPresence: {
            /**
             * Format: uint64
             * @description The number of present users.
             */
            count: number;
            /** @description The id of the request. */
            re?: components["schemas"]["RequestId"];
            /** @description The id of the room. */
            room: components["schemas"]["RoomId"];
            /** @constant */
            type: "ok";
            /** @description The present users; absent if they are more than the operator's limit (200 by default). */
            users?: components["schemas"]["User"][];
        };
        /** @description The read mark after a request to move it. */
        ServerOkRead: {
            /** @description The id of the request. */
            re?: components["schemas"]["RequestId"];
            /** @description The read mark: the `seq` up to which the user has read. It never moves back. */
            read: components["schemas"]["Seq"];
            /** @description The id of the room. */
            room: components["schemas"]["RoomId"];
            /** @constant */
            type: "ok";
            /**
             * Format: uint64
             * @description The number of messages of other users after the read mark.
             */
            unread: number;
        };
        /** @description The server accepted the new credential of the socket. */
        ServerOkRenewed: {
            /** @description The time at which the new credential expires. */
            expires_at: components["schemas"]["Timestamp"];
            /** @description The id of the request. */
            re?: components["schemas"]["RequestId"];
            /** @constant */
            type: "ok";
        };
        /** @description The answer to `ping`. */
        ServerPong: {
            /** @description The id of the request. */
            re?: components["schemas"]["RequestId"];
            /**
             * @description The type of the frame.
             * @constant
             */
            type: "pong";
        };
        /** @description The users who are present in a room have changed. */
        ServerPresence: {
            /** @description The users who entered or left; absent if more users are present than the operator's limit (200 by default). */
            changes?: components["schemas"]["PresenceChange"][];
            /**
             * Format: uint64
             * @description The number of users who are present now.
             */
            count: number;
            /** @description The id of the room. */
            room: components["schemas"]["RoomId"];
            /**
             * @description The type of the frame.
             * @constant
             */
            type: "presence";
        };
        /** @description A user's profile has changed. */
        ServerProfile: {
            /**
             * @description The type of the frame.
             * @constant
             */
            type: "profile";
            /** @description The profile after the change. */
            user: components["schemas"]["Account"];
        };
        /** @description Read marks have moved: the user's own on another socket, or those of a room's members. */
        ServerRead: {
            /** @description The marks are complete for messages after this `seq`; present with `marks`. */
            from?: components["schemas"]["Seq"];
            /** @description All marks of the room as they are now, in order, as `GET /v1/rooms/{room}/reads` answers them. */
            marks?: components["schemas"]["Mark"][];
            /**
             * Format: uint64
             * @description The number of members; present with `marks`.
             */
            members?: number;
            /** @description The id of the room. */
            room: components["schemas"]["RoomId"];
            /** @description The read mark: the `seq` up to which the user has read. */
            seq?: components["schemas"]["Seq"];
            /**
             * @description The type of the frame.
             * @constant
             */
            type: "read";
            /** @description The id of the user. */
            user?: components["schemas"]["UserId"];
        };
        /** @description The client must reconnect after a delay. A close with 1012 follows. */
        ServerReconnect: {
            /**
             * Format: uint64
             * @description The delay before the reconnection, in milliseconds.
             */
            after_ms: number;
            /** @description The reason: `restart` (the server is stopping), `old` (the socket is old) or `busy` (too many clients at once). */
            reason: string;
            /**
             * @description The type of the frame.
             * @constant
             */
            type: "reconnect";
        };
        /** @description The user changed settings on any device. */
        ServerSettings: {
            /** @description The id of the room. */
            room?: components["schemas"]["RoomId"];
            /** @description The user's settings for the room after the change. */
            settings?: components["schemas"]["RoomSettings"];
            /**
             * @description The type of the frame.
             * @constant
             */
            type: "settings";
            /** @description The user's settings after the change. */
            user?: components["schemas"]["UserSettings"];
        };
        /** @description A user has set a status, or ended it. */
        ServerStatus: {
            /** @description The status after the change; null if there is none. */
            status: components["schemas"]["Status"] | null;
            /**
             * @description The type of the frame.
             * @constant
             */
            type: "status";
            /** @description The id of the user. */
            user: components["schemas"]["UserId"];
        };
        /** @description The answer to `subscribe`. For each room the missed events follow, in order, and then `caught_up`. */
        ServerSubscribed: {
            /**
             * Format: uint64
             * @description With `all`: the number of the user's rooms that exceed the limit of a socket and were not subscribed to. Absent
             *     if there are none.
             */
            left_out?: number;
            /** @description The id of the request. */
            re?: components["schemas"]["RequestId"];
            /**
             * @description One entry per room: first the rooms that the request names, in its order, then those of `all`, latest activity
             *     first.
             */
            rooms: components["schemas"]["SubscribedRoom"][];
            /**
             * @description The type of the frame.
             * @constant
             */
            type: "subscribed";
        };
        /** @description The user moved the read mark of a thread, or follows a thread now or no more, on any device. */
        ServerThreadRead: {
            /** @description Whether the user follows the thread. */
            following: boolean;
            /** @description The read mark: the `seq` up to which the user has read the thread. */
            read: components["schemas"]["Seq"];
            /** @description The id of the room. */
            room: components["schemas"]["RoomId"];
            /** @description The id of the root of the thread. */
            thread: components["schemas"]["MessageId"];
            /**
             * @description The type of the frame.
             * @constant
             */
            type: "thread_read";
            /**
             * Format: uint64
             * @description The number of messages of other users in the thread after the read mark.
             */
            unread: number;
        };
        /** @description A user is typing or has stopped. */
        ServerTyping: {
            /**
             * Format: uint64
             * @description With `on: true`: the number of milliseconds after which the user counts as stopped, unless another frame
             *     arrives.
             */
            expires_ms?: number;
            /** @description The display name of the user. */
            name: components["schemas"]["DisplayName"];
            /** @description True if the user is typing; false if the user has stopped. */
            on: boolean;
            /** @description The id of the room. */
            room: components["schemas"]["RoomId"];
            /**
             * @description The id of the root of the thread in which the user is typing; absent if the user types among the messages of the
             *     room. A user types in one place of a room at a time.
             */
            thread?: components["schemas"]["MessageId"];
            /**
             * @description The type of the frame.
             * @constant
             */
            type: "typing";
            /** @description The id of the user. */
            user: components["schemas"]["UserId"];
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}

export type Account = components["schemas"]["Account"];
export type AddedBy = components["schemas"]["AddedBy"];
export type Attachment = components["schemas"]["Attachment"];
export type AttachmentUrl = components["schemas"]["AttachmentUrl"];
export type AuditEntry = components["schemas"]["AuditEntry"];
export type AuditEntryPage = components["schemas"]["AuditEntryPage"];
export type AuthSession = components["schemas"]["AuthSession"];
export type AuthSessionPage = components["schemas"]["AuthSessionPage"];
export type AvatarUrl = components["schemas"]["AvatarUrl"];
export type BannedUser = components["schemas"]["BannedUser"];
export type BannedUserPage = components["schemas"]["BannedUserPage"];
export type BlockedUser = components["schemas"]["BlockedUser"];
export type BlockedUserPage = components["schemas"]["BlockedUserPage"];
export type Bounds = components["schemas"]["Bounds"];
export type CallerLimit = components["schemas"]["CallerLimit"];
export type CallerLimits = components["schemas"]["CallerLimits"];
export type ClientAuth = components["schemas"]["ClientAuth"];
export type ClientDelete = components["schemas"]["ClientDelete"];
export type ClientEdit = components["schemas"]["ClientEdit"];
export type ClientHistory = components["schemas"]["ClientHistory"];
export type ClientPin = components["schemas"]["ClientPin"];
export type ClientPing = components["schemas"]["ClientPing"];
export type ClientPresence = components["schemas"]["ClientPresence"];
export type ClientReact = components["schemas"]["ClientReact"];
export type ClientRead = components["schemas"]["ClientRead"];
export type ClientReceived = components["schemas"]["ClientReceived"];
export type ClientSend = components["schemas"]["ClientSend"];
export type ClientSubscribe = components["schemas"]["ClientSubscribe"];
export type ClientTyping = components["schemas"]["ClientTyping"];
export type ClientUnsubscribe = components["schemas"]["ClientUnsubscribe"];
export type Code = components["schemas"]["Code"];
export type CustomData = components["schemas"]["CustomData"];
export type Deleted = components["schemas"]["Deleted"];
export type Dismissed = components["schemas"]["Dismissed"];
export type DisplayName = components["schemas"]["DisplayName"];
export type EditMessage = components["schemas"]["EditMessage"];
export type Edited = components["schemas"]["Edited"];
export type Emoji = components["schemas"]["Emoji"];
export type Epoch = components["schemas"]["Epoch"];
export type Event = components["schemas"]["Event"];
export type Excerpt = components["schemas"]["Excerpt"];
export type Export = components["schemas"]["Export"];
export type ExportLine = components["schemas"]["ExportLine"];
export type ExternalId = components["schemas"]["ExternalId"];
export type FieldProblem = components["schemas"]["FieldProblem"];
export type FileId = components["schemas"]["FileId"];
export type FileName = components["schemas"]["FileName"];
export type FileToAttach = components["schemas"]["FileToAttach"];
export type FollowedThread = components["schemas"]["FollowedThread"];
export type FollowedThreadPage = components["schemas"]["FollowedThreadPage"];
export type FoundMessage = components["schemas"]["FoundMessage"];
export type IdempotencyKey = components["schemas"]["IdempotencyKey"];
export type Image = components["schemas"]["Image"];
export type InboxPage = components["schemas"]["InboxPage"];
export type InboxStanding = components["schemas"]["InboxStanding"];
export type Invitation = components["schemas"]["Invitation"];
export type InvitationPage = components["schemas"]["InvitationPage"];
export type Invite = components["schemas"]["Invite"];
export type Joined = components["schemas"]["Joined"];
export type JwkSet = components["schemas"]["JwkSet"];
export type Left = components["schemas"]["Left"];
export type LimitOf = components["schemas"]["LimitOf"];
export type LimitRate = components["schemas"]["LimitRate"];
export type LimitUnit = components["schemas"]["LimitUnit"];
export type Limits = components["schemas"]["Limits"];
export type Link = components["schemas"]["Link"];
export type ListedWord = components["schemas"]["ListedWord"];
export type Login = components["schemas"]["Login"];
export type Mark = components["schemas"]["Mark"];
export type MarkRead = components["schemas"]["MarkRead"];
export type MediaType = components["schemas"]["MediaType"];
export type Member = components["schemas"]["Member"];
export type MemberPage = components["schemas"]["MemberPage"];
export type Mention = components["schemas"]["Mention"];
export type MentionAll = components["schemas"]["MentionAll"];
export type Message = components["schemas"]["Message"];
export type MessageId = components["schemas"]["MessageId"];
export type MessageText = components["schemas"]["MessageText"];
export type MessagesPage = components["schemas"]["MessagesPage"];
export type Metadata = components["schemas"]["Metadata"];
export type NewAttachment = components["schemas"]["NewAttachment"];
export type NewInvitation = components["schemas"]["NewInvitation"];
export type NewReport = components["schemas"]["NewReport"];
export type NewRoom = components["schemas"]["NewRoom"];
export type NewSiteRoom = components["schemas"]["NewSiteRoom"];
export type Notice = components["schemas"]["Notice"];
export type NoticeData = components["schemas"]["NoticeData"];
export type NotificationLevel = components["schemas"]["NotificationLevel"];
export type PasswordChange = components["schemas"]["PasswordChange"];
export type Person = components["schemas"]["Person"];
export type Pinned = components["schemas"]["Pinned"];
export type PresenceChange = components["schemas"]["PresenceChange"];
export type Problem = components["schemas"]["Problem"];
export type ProfileChanges = components["schemas"]["ProfileChanges"];
export type Properties = components["schemas"]["Properties"];
export type PutMember = components["schemas"]["PutMember"];
export type PutSiteMember = components["schemas"]["PutSiteMember"];
export type Reaction = components["schemas"]["Reaction"];
export type Reactions = components["schemas"]["Reactions"];
export type ReadMark = components["schemas"]["ReadMark"];
export type Reads = components["schemas"]["Reads"];
export type Reason = components["schemas"]["Reason"];
export type Receipts = components["schemas"]["Receipts"];
export type RefreshToken = components["schemas"]["RefreshToken"];
export type Register = components["schemas"]["Register"];
export type Reply = components["schemas"]["Reply"];
export type Report = components["schemas"]["Report"];
export type ReportChange = components["schemas"]["ReportChange"];
export type ReportPage = components["schemas"]["ReportPage"];
export type ReportStatus = components["schemas"]["ReportStatus"];
export type RequestId = components["schemas"]["RequestId"];
export type Restricted = components["schemas"]["Restricted"];
export type Restriction = components["schemas"]["Restriction"];
export type RestrictionNotice = components["schemas"]["RestrictionNotice"];
export type Revision = components["schemas"]["Revision"];
export type RevisionPage = components["schemas"]["RevisionPage"];
export type Role = components["schemas"]["Role"];
export type RoleChange = components["schemas"]["RoleChange"];
export type Room = components["schemas"]["Room"];
export type RoomChanges = components["schemas"]["RoomChanges"];
export type RoomError = components["schemas"]["RoomError"];
export type RoomHistory = components["schemas"]["RoomHistory"];
export type RoomId = components["schemas"]["RoomId"];
export type RoomKind = components["schemas"]["RoomKind"];
export type RoomMessage = components["schemas"]["RoomMessage"];
export type RoomMessagePage = components["schemas"]["RoomMessagePage"];
export type RoomName = components["schemas"]["RoomName"];
export type RoomPage = components["schemas"]["RoomPage"];
export type RoomRef = components["schemas"]["RoomRef"];
export type RoomScope = components["schemas"]["RoomScope"];
export type RoomSettings = components["schemas"]["RoomSettings"];
export type RoomSettingsChanges = components["schemas"]["RoomSettingsChanges"];
export type RoomSince = components["schemas"]["RoomSince"];
export type RoomTopic = components["schemas"]["RoomTopic"];
export type SearchPage = components["schemas"]["SearchPage"];
export type SearchText = components["schemas"]["SearchText"];
export type SendAs = components["schemas"]["SendAs"];
export type SendMessage = components["schemas"]["SendMessage"];
export type SentMessage = components["schemas"]["SentMessage"];
export type SentNotice = components["schemas"]["SentNotice"];
export type Seq = components["schemas"]["Seq"];
export type ServerAck = components["schemas"]["ServerAck"];
export type ServerCaughtUp = components["schemas"]["ServerCaughtUp"];
export type ServerDelivered = components["schemas"]["ServerDelivered"];
export type ServerError = components["schemas"]["ServerError"];
export type ServerEvent = components["schemas"]["ServerEvent"];
export type ServerHello = components["schemas"]["ServerHello"];
export type ServerInbox = components["schemas"]["ServerInbox"];
export type ServerInboxRead = components["schemas"]["ServerInboxRead"];
export type ServerMentionedHere = components["schemas"]["ServerMentionedHere"];
export type ServerNotice = components["schemas"]["ServerNotice"];
export type ServerOk = components["schemas"]["ServerOk"];
export type ServerOkHistory = components["schemas"]["ServerOkHistory"];
export type ServerOkPresence = components["schemas"]["ServerOkPresence"];
export type ServerOkRead = components["schemas"]["ServerOkRead"];
export type ServerOkRenewed = components["schemas"]["ServerOkRenewed"];
export type ServerPong = components["schemas"]["ServerPong"];
export type ServerPresence = components["schemas"]["ServerPresence"];
export type ServerProfile = components["schemas"]["ServerProfile"];
export type ServerRead = components["schemas"]["ServerRead"];
export type ServerReconnect = components["schemas"]["ServerReconnect"];
export type ServerSettings = components["schemas"]["ServerSettings"];
export type ServerStatus = components["schemas"]["ServerStatus"];
export type ServerSubscribed = components["schemas"]["ServerSubscribed"];
export type ServerThreadRead = components["schemas"]["ServerThreadRead"];
export type ServerTyping = components["schemas"]["ServerTyping"];
export type SessionId = components["schemas"]["SessionId"];
export type SetStatus = components["schemas"]["SetStatus"];
export type SiteRoom = components["schemas"]["SiteRoom"];
export type SiteRoomPage = components["schemas"]["SiteRoomPage"];
export type SiteUser = components["schemas"]["SiteUser"];
export type SiteUserChanges = components["schemas"]["SiteUserChanges"];
export type Slug = components["schemas"]["Slug"];
export type Status = components["schemas"]["Status"];
export type StatusChange = components["schemas"]["StatusChange"];
export type StatusText = components["schemas"]["StatusText"];
export type SubscribedRoom = components["schemas"]["SubscribedRoom"];
export type Sync = components["schemas"]["Sync"];
export type SyncCursor = components["schemas"]["SyncCursor"];
export type SyncedRoom = components["schemas"]["SyncedRoom"];
export type TextRange = components["schemas"]["TextRange"];
export type Thread = components["schemas"]["Thread"];
export type ThreadPage = components["schemas"]["ThreadPage"];
export type ThreadPlace = components["schemas"]["ThreadPlace"];
export type ThumbnailSize = components["schemas"]["ThumbnailSize"];
export type Ticket = components["schemas"]["Ticket"];
export type Timestamp = components["schemas"]["Timestamp"];
export type Tokens = components["schemas"]["Tokens"];
export type User = components["schemas"]["User"];
export type UserId = components["schemas"]["UserId"];
export type UserRef = components["schemas"]["UserRef"];
export type UserSettings = components["schemas"]["UserSettings"];
export type UserSettingsChanges = components["schemas"]["UserSettingsChanges"];
export type Username = components["schemas"]["Username"];
export type WordAction = components["schemas"]["WordAction"];
export type WordList = components["schemas"]["WordList"];
