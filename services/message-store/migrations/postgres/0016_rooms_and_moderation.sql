-- What owners set of a room, whom moderators ban and mute, invitation links; and the two functions that append messages,
-- which judge by them.

ALTER TABLE rooms
    ADD COLUMN archived        boolean  NOT NULL DEFAULT false,
    ADD COLUMN send_role       smallint NOT NULL DEFAULT 1 CHECK (send_role BETWEEN 1 AND 3),
    ADD COLUMN slow_mode_s     bigint   NOT NULL DEFAULT 0,
    ADD COLUMN history         smallint NOT NULL DEFAULT 1 CHECK (history BETWEEN 1 AND 2),
    ADD COLUMN newcomers_after bigint   NOT NULL DEFAULT 0;
COMMENT ON COLUMN rooms.archived IS 'Nobody sends';
COMMENT ON COLUMN rooms.send_role IS 'The least role that sends: 1 everybody, 2 moderators, in an announcement room';
COMMENT ON COLUMN rooms.slow_mode_s IS 'How many seconds a member waits between two messages; 0 is none';
COMMENT ON COLUMN rooms.history IS 'What newcomers see of what was before: 1 all, 2 nothing';
COMMENT ON COLUMN rooms.newcomers_after IS 'The seq after which the last of those sees the room who came while newcomers saw nothing of before: what was said up to it is not seen by all';

ALTER TABLE members
    ADD COLUMN sent_at       bigint NOT NULL DEFAULT 0,
    ADD COLUMN muted_until   bigint NOT NULL DEFAULT 0,
    ADD COLUMN visible_after bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN members.sent_at IS 'When the last message of this member was committed since joining; 0 when there is none';
COMMENT ON COLUMN members.muted_until IS 'Until when the member is muted; 0 is not at all. A copy of restrictions, so that an append looks nowhere else';
COMMENT ON COLUMN members.visible_after IS 'The seq up to which the member sees nothing while the room''s history is 2';

CREATE TABLE restrictions (
    room    uuid     NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    kind    smallint NOT NULL CHECK (kind BETWEEN 1 AND 2),
    user_id uuid     NOT NULL,
    actor   uuid     NOT NULL,
    at      bigint   NOT NULL,
    until   bigint   NOT NULL,
    reason  text,
    PRIMARY KEY (room, kind, user_id)
);
CREATE INDEX restrictions_by_age ON restrictions (room, kind, at, user_id);
COMMENT ON TABLE restrictions IS 'Who is banned from rooms or muted in them; also who is no member';
COMMENT ON COLUMN restrictions.kind IS '1 ban, 2 mute';
COMMENT ON COLUMN restrictions.actor IS 'Who imposed it; the user, where the embedding site did';
COMMENT ON COLUMN restrictions.until IS 'When it ends by itself; the beginning of the year 9999 is never';

CREATE TABLE invitation_links (
    id         uuid   NOT NULL PRIMARY KEY,
    room       uuid   NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    code       bytea  NOT NULL,
    actor      uuid   NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    uses       bigint NOT NULL,
    used       bigint NOT NULL
);
CREATE UNIQUE INDEX invitation_links_by_code ON invitation_links (code);
CREATE INDEX invitation_links_by_room ON invitation_links (room, created_at, id);
COMMENT ON TABLE invitation_links IS 'By which users join rooms';
COMMENT ON COLUMN invitation_links.code IS 'The SHA-256 digest of the code';
COMMENT ON COLUMN invitation_links.actor IS 'Who made it';
COMMENT ON COLUMN invitation_links.uses IS 'How often it can be used in all; 0 is any number';

COMMENT ON COLUMN events.kind IS 'The number of the kind, see crates/domain/src/event/kind.rs: 1 message, 2 joined, 3 left, 4 role, 5 room, 9 pinned, 10 edited, 11 deleted, 12 reaction, 20 banned, 21 muted; in inboxes 6 mention, 7 invitation, 8 notice of the embedding site, 22 ban, 23 mute';

-- Made anew with one parameter more: whether the caller knows the outcomes that are new here. A replica of the version
-- before calls them without it.
DROP FUNCTION append_with_mentions(uuid[], uuid[], text[], text[], text[], bigint, boolean, bigint[], uuid[], boolean[]);
DROP FUNCTION append_messages(uuid[], uuid[], text[], text[], text[], bigint, boolean, boolean[]);

-- As in 0002_append_messages.sql and 0012_blocks.sql, which have the reasons. What the room's flags and a mute refuse is
-- judged by the rows of the room and of the member, which are read anyway: under the room's lock, which who changes them
-- takes too. A message in a room without flags looks nowhere else.
--
-- Outcomes: 0 appended; 1 appended before (seq and at are the first one's); 2 no such room; 3 not a member; of a
-- direct room 4 the other user blocks the sender, 5 the sender blocks the other user; 6 the room is archived; 7 the
-- sender's role does not suffice; 8 the sender is muted (until at); 9 slow mode (at says when the sender may again). A
-- caller that does not know 6 to 9 is told 3.
CREATE FUNCTION append_messages(
    in_rooms   uuid[],
    in_actors  uuid[],
    in_keys    text[],
    in_texts   text[],
    in_details text[],
    in_now     bigint,
    in_look_up boolean,
    in_by_site boolean[] DEFAULT NULL,
    in_knows   boolean DEFAULT false
) RETURNS TABLE (ord bigint, outcome smallint, seq bigint, at bigint)
LANGUAGE plpgsql VOLATILE
-- The one right plan is a nested loop of index look-ups, whatever the statistics say: a plan made while the
-- tables were small must not live on in a replica's session when they are large. Without these settings the
-- plan would also be made again for each batch, over all partitions. And jit off, because a discouraged plan
-- node carries a cost that would have every call compiled.
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET jit = off
AS $$
#variable_conflict use_column
BEGIN
    PERFORM FROM rooms r WHERE r.id = ANY (in_rooms) ORDER BY r.id FOR NO KEY UPDATE;

    RETURN QUERY
    WITH asked AS (
        SELECT a.room, a.actor, a.key, a.text, a.detail, a.ord,
               -- A key that stands twice in the batch is appended once, by its first row.
               row_number() OVER (PARTITION BY a.room, a.actor, a.key ORDER BY a.ord) AS nth
        FROM unnest(in_rooms, in_actors, in_keys, in_texts, in_details)
             WITH ORDINALITY AS a (room, actor, key, text, detail, ord)
    ), looked_up AS MATERIALIZED (
        SELECT a.*, r.id IS NOT NULL AS is_room, m.user_id IS NOT NULL AS is_member,
               r.head, r.messages, greatest(in_now, r.active_at) AS now,
               -- Within CASE, not joined: where it is not wanted, no partition is touched. Also of who is no member:
               -- who has left since may still learn that the message was committed.
               -- And where it is refused: a repeat of what was committed before is no new message.
               CASE WHEN in_look_up OR m.user_id IS NULL OR b.block IS NOT NULL THEN (
                   SELECT ARRAY[e.seq, e.at] FROM events e
                   WHERE e.topic = a.room AND e.actor = a.actor AND e.key = a.key
               ) END AS first,
               b.block,
               -- When who is refused for a time may send again.
               CASE b.block
                   WHEN 8 THEN m.muted_until
                   WHEN 9 THEN r.slow_mode_s * 1000000
                       + CASE WHEN m.sent_at + r.slow_mode_s * 1000000 > in_now THEN m.sent_at ELSE in_now END
               END AS again_at
        FROM asked a
        LEFT JOIN rooms r ON r.id = a.room
        LEFT JOIN members m ON m.room = a.room AND m.user_id = a.actor
        -- Within CASE: only a room with slow mode looks at the rest of the batch, and only a direct one into blocks. OFFSET 0
        -- keeps it one expression, computed once.
        CROSS JOIN LATERAL (
            SELECT CASE
                WHEN r.archived THEN 6
                WHEN in_by_site IS NOT NULL AND coalesce(in_by_site[a.ord], false) THEN NULL
                WHEN m.role < r.send_role THEN 7
                WHEN m.muted_until > in_now THEN 8
                -- Moderators do not wait. Of a batch, the sender's first message counts for the others.
                WHEN r.slow_mode_s > 0 AND m.role < 2 AND (
                    m.sent_at + r.slow_mode_s * 1000000 > in_now OR EXISTS (
                        SELECT FROM unnest(in_rooms, in_actors, in_keys) WITH ORDINALITY AS o (room, actor, key, ord)
                        WHERE o.room = a.room AND o.actor = a.actor AND o.ord < a.ord AND o.key <> a.key
                    )
                ) THEN 9
                WHEN r.direct_low IS NULL THEN NULL
                WHEN EXISTS (
                    SELECT FROM blocks k WHERE k.blocker = a.actor AND k.blocked IN (r.direct_low, r.direct_high)
                ) THEN 5
                WHEN EXISTS (
                    SELECT FROM blocks k WHERE k.blocker IN (r.direct_low, r.direct_high) AND k.blocked = a.actor
                ) THEN 4
            END AS block OFFSET 0
        ) b
    ), judged AS (
        SELECT l.*,
               CASE WHEN NOT l.is_room THEN 2
                    WHEN l.first IS NOT NULL THEN 1
                    WHEN NOT l.is_member THEN 3
                    WHEN l.block > 5 AND NOT in_knows THEN 3
                    WHEN l.block IS NOT NULL THEN l.block
                    WHEN l.nth > 1 THEN 1
                    ELSE 0 END AS outcome
        FROM looked_up l
    ), placed AS MATERIALIZED (
        -- Contiguous in each room, in the order of the batch, skipping what was refused.
        SELECT j.*, j.head + count(*) FILTER (WHERE j.outcome = 0) OVER (PARTITION BY j.room ORDER BY j.ord) AS new_seq
        FROM judged j
    ), inserted AS (
        INSERT INTO events (topic, seq, kind, actor, at, ordinal, key, text, detail)
        SELECT p.room, p.new_seq, 1, p.actor, p.now, p.messages + p.new_seq - p.head, p.key, p.text, p.detail
        FROM placed p WHERE p.outcome = 0
    ), grown AS (
        UPDATE rooms r
        SET head = r.head + g.added, messages = r.messages + g.added,
            last_message_seq = r.head + g.added, active_at = g.now
        FROM (SELECT p.room, count(*) AS added, max(p.now) AS now
              FROM placed p WHERE p.outcome = 0 GROUP BY p.room) g
        WHERE r.id = g.room
    ), counted AS (
        UPDATE members m
        SET sent = m.sent + g.added, sent_seq = g.last_seq, sent_at = g.now
        FROM (SELECT p.room, p.actor, count(*) AS added, max(p.new_seq) AS last_seq, max(p.now) AS now
              FROM placed p WHERE p.outcome = 0 GROUP BY p.room, p.actor) g
        WHERE m.room = g.room AND m.user_id = g.actor
    )
    SELECT p.ord, p.outcome::smallint,
           CASE WHEN p.outcome IN (0, 1) THEN
               -- A later row of the same key answers with what its first row got.
               coalesce(p.first[1], first_value(p.new_seq) OVER (PARTITION BY p.room, p.actor, p.key ORDER BY p.ord))
           END,
           CASE WHEN p.outcome IN (0, 1) THEN coalesce(p.first[2], p.now) ELSE p.again_at END
    FROM placed p
    ORDER BY p.ord;
END
$$;

COMMENT ON FUNCTION append_messages IS 'Appends a batch of messages: locks the rooms, judges each row, gives seq, answers each row';

-- As in 0004_append_with_mentions.sql, which has the reasons. Who has blocked the sender is mentioned by the message all
-- the same, and has no notice of it: place and time are 0.
CREATE FUNCTION append_with_mentions(
    in_rooms         uuid[],
    in_actors        uuid[],
    in_keys          text[],
    in_texts         text[],
    in_details       text[],
    in_now           bigint,
    in_look_up       boolean,
    in_mention_ords  bigint[],
    in_mention_users uuid[],
    in_by_site       boolean[] DEFAULT NULL,
    in_knows         boolean DEFAULT false
) RETURNS TABLE (
    outcome smallint, seq bigint, at bigint,
    mentioned uuid[], mention_seqs bigint[], mention_ats bigint[]
)
LANGUAGE plpgsql VOLATILE
-- As of append_messages, and for its reasons.
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    ords     bigint[];
    users    uuid[];
    details  text[];
    outcomes smallint[];
    seqs     bigint[];
    ats      bigint[];
BEGIN
    PERFORM FROM rooms r WHERE r.id = ANY (in_rooms) ORDER BY r.id FOR NO KEY UPDATE;

    SELECT array_agg(n.ord ORDER BY n.place), array_agg(n.user_id ORDER BY n.place) INTO ords, users
    FROM unnest(in_mention_ords, in_mention_users) WITH ORDINALITY AS n (ord, user_id, place)
    JOIN members m ON m.room = in_rooms[n.ord] AND m.user_id = n.user_id;

    -- Until the end, none of those who are mentioned blocks anybody: see lock_blocks in src/store/sql/blocks.rs. The
    -- statements after this one see the blocks of before.
    PERFORM FROM profiles p WHERE p.user_id = ANY (users) ORDER BY p.user_id FOR KEY SHARE;

    SELECT array_agg(
        CASE WHEN s.mentions IS NULL THEN d.detail
             ELSE (coalesce(d.detail::jsonb, '{}') || jsonb_build_object('mentions', s.mentions))::text END
        ORDER BY d.ord
    ) INTO details
    FROM unnest(in_details) WITH ORDINALITY AS d (detail, ord)
    LEFT JOIN (
        SELECT n.ord, jsonb_agg(n.user_id ORDER BY n.place) AS mentions
        FROM unnest(ords, users) WITH ORDINALITY AS n (ord, user_id, place) GROUP BY n.ord
    ) s ON s.ord = d.ord;

    SELECT array_agg(a.outcome ORDER BY a.ord), array_agg(a.seq ORDER BY a.ord), array_agg(a.at ORDER BY a.ord)
    INTO outcomes, seqs, ats
    FROM append_messages(in_rooms, in_actors, in_keys, in_texts, details, in_now, in_look_up, in_by_site, in_knows) a;

    RETURN QUERY
    WITH mentions AS MATERIALIZED (
        -- Of what was appended now.
        SELECT n.ord, n.user_id, n.place,
               NOT coalesce(in_by_site[n.ord], false) AND EXISTS (
                   SELECT FROM blocks k WHERE k.blocker = n.user_id AND k.blocked = in_actors[n.ord]
               ) AS is_silent
        FROM unnest(ords, users) WITH ORDINALITY AS n (ord, user_id, place)
        WHERE outcomes[n.ord] = 0
    ), told AS MATERIALIZED (
        -- The places of a user's notices follow the order of the batch.
        SELECT n.ord, n.user_id, n.place,
               row_number() OVER (PARTITION BY n.user_id ORDER BY n.ord) AS nth,
               count(*) OVER (PARTITION BY n.user_id) AS total,
               dense_rank() OVER (ORDER BY n.user_id) AS inbox
        FROM mentions n WHERE NOT n.is_silent
    ), grown AS (
        INSERT INTO inboxes AS i (user_id, head, active_at)
        SELECT t.user_id, count(*), in_now FROM told t GROUP BY t.user_id ORDER BY t.user_id
        ON CONFLICT (user_id) DO UPDATE
        SET head = i.head + excluded.head, active_at = greatest(i.active_at, excluded.active_at)
        RETURNING i.user_id, i.head, i.active_at
    ), inboxes_now AS (
        -- Found by rank, not by a join: with joins by loops alone, thousands by thousands are many.
        SELECT array_agg(g.head ORDER BY g.user_id) AS heads, array_agg(g.active_at ORDER BY g.user_id) AS times
        FROM grown g
    ), placed AS MATERIALIZED (
        SELECT t.ord, t.user_id, t.place, i.heads[t.inbox] - t.total + t.nth AS seq, i.times[t.inbox] AS at
        FROM told t, inboxes_now i
    ), inserted AS (
        INSERT INTO events (topic, seq, kind, actor, at, ordinal, detail)
        SELECT p.user_id, p.seq, 6, in_actors[p.ord], p.at, 0,
               json_build_object('room', in_rooms[p.ord], 'seq', seqs[p.ord])::text
        FROM placed p
    ), answered AS (
        SELECT p.ord, p.user_id, p.place, p.seq, p.at FROM placed p
        UNION ALL
        SELECT n.ord, n.user_id, n.place, 0, 0 FROM mentions n WHERE n.is_silent
    ), gathered AS (
        SELECT p.ord, array_agg(p.user_id ORDER BY p.place) AS to_users,
               array_agg(p.seq ORDER BY p.place) AS to_seqs, array_agg(p.at ORDER BY p.place) AS to_ats
        FROM answered p GROUP BY p.ord
    )
    SELECT outcomes[o.ord], seqs[o.ord], ats[o.ord],
           coalesce(g.to_users, '{}'), coalesce(g.to_seqs, '{}'), coalesce(g.to_ats, '{}')
    FROM generate_subscripts(in_rooms, 1) AS o (ord) LEFT JOIN gathered g ON g.ord = o.ord
    ORDER BY o.ord;
END
$$;

COMMENT ON FUNCTION append_with_mentions IS 'Appends a batch of messages, and the notices of whom they mention: see append_messages';
