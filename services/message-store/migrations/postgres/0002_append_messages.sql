-- Appends a batch of messages in one round trip.
--
-- Called as a statement of its own, so that it commits by itself and its answer follows the commit.
--
-- A function in PL/pgSQL, because two statements are needed and must not cost two round trips: in READ
-- COMMITTED each statement of a VOLATILE function takes a new snapshot. The first one locks the rooms;
-- the second, whose snapshot is younger than the locks, then sees all that other replicas committed
-- under them: the heads, the members, and the keys that were used. In one statement it would judge by a
-- snapshot from before it waited.
--
-- Deadlocks: every writer locks rooms in the order of their ids, before members and events of them.
-- FOR NO KEY UPDATE, since the key does not change: it does not block the foreign key of members.
--
-- Keys: an index entry for each row refuses a key that was used, whether or not somebody looked before. Looking
-- costs a third of the whole call, and nearly every key is new. So the first call looks up no key of a member;
-- when it fails by the unique index, the service repeats it with in_look_up, which finds the first seqs.
--
-- Outcomes: 0 appended; 1 appended before (seq and at are the first one's); 2 no such room; 3 not a member.
CREATE FUNCTION append_messages(
    in_rooms   uuid[],
    in_actors  uuid[],
    in_keys    text[],
    in_texts   text[],
    in_details text[],
    in_now     bigint,
    in_look_up boolean
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
               CASE WHEN in_look_up OR m.user_id IS NULL THEN (
                   SELECT ARRAY[e.seq, e.at] FROM events e
                   WHERE e.topic = a.room AND e.actor = a.actor AND e.key = a.key
               ) END AS first
        FROM asked a
        LEFT JOIN rooms r ON r.id = a.room
        LEFT JOIN members m ON m.room = a.room AND m.user_id = a.actor
    ), judged AS (
        SELECT l.*,
               CASE WHEN NOT l.is_room THEN 2
                    WHEN l.first IS NOT NULL THEN 1
                    WHEN NOT l.is_member THEN 3
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
        SET sent = m.sent + g.added, sent_seq = g.last_seq
        FROM (SELECT p.room, p.actor, count(*) AS added, max(p.new_seq) AS last_seq
              FROM placed p WHERE p.outcome = 0 GROUP BY p.room, p.actor) g
        WHERE m.room = g.room AND m.user_id = g.actor
    )
    SELECT p.ord, p.outcome::smallint,
           CASE WHEN p.outcome IN (0, 1) THEN
               -- A later row of the same key answers with what its first row got.
               coalesce(p.first[1], first_value(p.new_seq) OVER (PARTITION BY p.room, p.actor, p.key ORDER BY p.ord))
           END,
           CASE WHEN p.outcome IN (0, 1) THEN coalesce(p.first[2], p.now) END
    FROM placed p
    ORDER BY p.ord;
END
$$;

COMMENT ON FUNCTION append_messages IS 'Appends a batch of messages: locks the rooms, judges each row, gives seq, answers each row';
