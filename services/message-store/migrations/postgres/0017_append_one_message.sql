-- Most batches of a calm store have one message, and most messages nothing that needs judging. For such a one
-- append_messages does much for nothing: it makes ready what answers repeats, in each partition of events, and what numbers
-- the rows of a batch. This one leaves all that to append_messages: where a plain message cannot just be appended, it
-- appends nothing and says nothing.

CREATE FUNCTION append_message(
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
          AND (in_by_site OR (m.role >= r.send_role AND m.muted_until <= in_now
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

COMMENT ON FUNCTION append_message IS 'Appends one message, where nothing has to be judged: see append_messages. NULL where it is not appended';
