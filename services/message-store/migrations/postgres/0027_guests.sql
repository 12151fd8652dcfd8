-- Guests: members who read, and send where the room lets them.
--
-- A guest is a member, role 1, with a mark beside it. So a replica of the version before, which knows no such role, shows a
-- member where a guest is. It appends by the functions below, and cannot send for a guest where the room does not let it.
-- The mark says nothing beside another role: such a replica gives roles without touching it.

ALTER TABLE members ADD COLUMN guest boolean NOT NULL DEFAULT false;
ALTER TABLE rooms ADD COLUMN guests_send boolean NOT NULL DEFAULT false;
ALTER TABLE invitations ADD COLUMN guest boolean NOT NULL DEFAULT false;
ALTER TABLE audit ADD COLUMN guest boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN members.guest IS 'With role 1, that the member is a guest; with another role nothing';
COMMENT ON COLUMN rooms.guests_send IS 'Guests send, react, and change what they have sent';
COMMENT ON COLUMN invitations.guest IS 'As of members';
COMMENT ON COLUMN audit.guest IS 'As of members';

-- As in 0016_rooms_and_moderation.sql, which has the reasons. That a guest does not send in the room is the outcome 7, too.
CREATE OR REPLACE FUNCTION append_messages(
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
                WHEN m.role < r.send_role OR (m.guest AND m.role = 1 AND NOT r.guests_send) THEN 7
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

-- As in 0017_append_one_message.sql, which has the reasons.
CREATE OR REPLACE FUNCTION append_message(
    in_room    uuid,
    in_actor   uuid,
    in_key     text,
    in_text    text,
    in_detail  text,
    in_now     bigint,
    in_by_site boolean,
    OUT seq    bigint,
    OUT at     bigint
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
BEGIN
    -- A statement of its own: the next one sees what was committed before the lock was given.
    PERFORM FROM rooms r WHERE r.id = in_room FOR NO KEY UPDATE;

    WITH grown AS (
        UPDATE rooms r
        SET head = r.head + 1, messages = r.messages + 1, last_message_seq = r.head + 1,
            active_at = greatest(in_now, r.active_at)
        FROM members m
        WHERE r.id = in_room AND m.room = in_room AND m.user_id = in_actor
          AND NOT r.archived
          -- Of a member whom neither the room's flags nor a mute refuse: as append_messages judges.
          AND (in_by_site OR (m.role >= r.send_role AND (r.guests_send OR NOT m.guest OR m.role > 1)
              AND m.muted_until <= in_now
              AND (r.slow_mode_s = 0 OR m.role >= 2 OR m.sent_at + r.slow_mode_s * 1000000 <= in_now)))
          -- In a direct room whose users block neither the other.
          AND (r.direct_low IS NULL OR in_by_site OR NOT EXISTS (
              SELECT FROM blocks k
              WHERE k.blocker IN (r.direct_low, r.direct_high) AND k.blocked IN (r.direct_low, r.direct_high)
          ))
        RETURNING r.head, r.messages, r.active_at
    ), inserted AS (
        INSERT INTO events (topic, seq, kind, actor, at, ordinal, key, text, detail)
        SELECT in_room, g.head, 1, in_actor, g.active_at, g.messages, in_key, in_text, in_detail FROM grown g
    ), counted AS (
        UPDATE members m SET sent = m.sent + 1, sent_seq = g.head, sent_at = g.active_at
        FROM grown g WHERE m.room = in_room AND m.user_id = in_actor
    )
    SELECT g.head, g.active_at INTO seq, at FROM grown g;
END
$$;
