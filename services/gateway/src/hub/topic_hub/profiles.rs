//! What has changed of users of the topic: profiles, statuses, and whether their presence is shown.

use std::{collections::HashSet, sync::Arc};

use madang_contract::WireFrame;
use madang_domain::UserId;

use super::{Stage, TopicHub};
use crate::{
    formats::Format,
    hub::{
        presence::PresenceGuard,
        profile_news::{ProfileNews, SettingsChange, StatusNews},
    },
};

impl TopicHub {
    /// Tells the subscribers that a user's profile has changed, each socket once over all its topics. Where the user is
    /// present by a socket of this hub, the presence has the new profile from now on.
    pub(crate) fn say_profile(&mut self, news: &ProfileNews) {
        let ProfileNews { user, frame, card } = news;
        let mut of_user = self.subscribers.iter().filter(|subscriber| subscriber.user == user.id);
        if let Some(presence) = of_user.find_map(|subscriber| subscriber.presence.as_ref()) {
            presence.renew(card.clone());
        }
        // The Channels dialect has no frame for it. Who is catching up may yet be refused.
        self.subscribers.retain(|subscriber| {
            if subscriber.format == Format::Native && matches!(subscriber.stage, Stage::Live(_)) {
                subscriber.outbox.push_profile(user.id, user.version, frame)
            } else {
                !subscriber.outbox.is_closing()
            }
        });
    }

    /// Tells the subscribers that a user has set a status, each socket once over all its topics.
    pub(crate) fn say_status(&mut self, news: &StatusNews) {
        let (StatusNews { user, version, frame, .. }, but_for) = (news, news.but_for());
        self.subscribers.retain(|subscriber| {
            let is_told = subscriber.format == Format::Native
                && matches!(subscriber.stage, Stage::Live(_))
                && but_for.binary_search(&subscriber.user).is_err();
            if is_told {
                subscriber.outbox.push_status(*user, *version, frame)
            } else {
                !subscriber.outbox.is_closing()
            }
        });
    }

    /// Tells the devices of a user what the user has set, unless they were told of a later change of the same.
    pub(crate) fn say_settings(&mut self, change: SettingsChange, frame: &WireFrame) {
        self.subscribers.retain(|subscriber| {
            if subscriber.format == Format::Native && matches!(subscriber.stage, Stage::Live(_)) {
                subscriber.outbox.push_settings(change.of, change.version, frame)
            } else {
                !subscriber.outbox.is_closing()
            }
        });
    }

    /// Others see from now on that a user is present, or do not. What a session that is catching up knew before counts no
    /// more.
    pub(crate) fn show_presence(
        &mut self,
        user: UserId,
        on: bool,
        take: impl FnOnce() -> Arc<PresenceGuard>,
    ) {
        let of_user = || self.subscribers.iter().filter(|subscriber| subscriber.user == user);
        let is_live = of_user().any(|subscriber| matches!(subscriber.stage, Stage::Live(_)));
        let held = of_user().find_map(|subscriber| subscriber.presence.clone());
        let presence = if on && is_live { Some(held.unwrap_or_else(take)) } else { None };
        for subscriber in self.subscribers.iter_mut().filter(|subscriber| subscriber.user == user) {
            subscriber.hides_presence = !on;
            let is_live = matches!(subscriber.stage, Stage::Live(_));
            subscriber.presence = presence.clone().filter(|_| is_live);
        }
    }

    /// Users who hide it are present no more. What a session that is catching up knew before counts no more.
    pub(crate) fn hide_presence(&mut self, users: &HashSet<UserId>) {
        for subscriber in self.subscribers.iter_mut().filter(|subscriber| users.contains(&subscriber.user)) {
            subscriber.hides_presence = true;
            subscriber.presence = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::VecDeque,
        sync::Arc,
        task::{Context, Poll, Waker},
    };

    use bytes::Bytes;
    use madang_domain::{DisplayName, Profile, RoomId, Seq, Timestamp, Username};
    use uuid::Uuid;

    use super::*;
    use crate::{
        hub::{
            Listener,
            topic_hub::tests::{connection, listener, outbox, user},
        },
        outbox::{Outbox, Taken},
    };

    fn news(version: i64) -> ProfileNews {
        let user = Profile {
            id: user(1),
            username: Username::new("mina").unwrap(),
            name: DisplayName::new("Mina").unwrap(),
            avatar_url: None,
            external_id: None,
            version: Timestamp::from_micros(version),
        };
        ProfileNews { user: Arc::new(user), frame: WireFrame::json(&version), card: Bytes::new() }
    }

    /// How many frames a socket was sent since it was last asked.
    fn sent(outbox: &Outbox) -> usize {
        let mut frames = VecDeque::new();
        match outbox.poll_take(&mut Context::from_waker(Waker::noop()), &mut frames) {
            Poll::Ready(Taken::Frames) => frames.len(),
            Poll::Ready(Taken::Close(_)) | Poll::Pending => 0,
        }
    }

    #[test]
    fn a_socket_in_several_hubs_is_told_once_and_of_nothing_older() {
        let (mut yard, mut hall, mine) = (TopicHub::default(), TopicHub::default(), outbox());
        for hub in [&mut yard, &mut hall] {
            hub.attach(listener(connection(2), user(2), &mine));
            hub.activate(connection(2), Seq::START);
        }
        for hub in [&mut yard, &mut hall] {
            hub.say_profile(&news(5));
        }
        assert_eq!(sent(&mine), 1);
        hall.say_profile(&news(4));
        assert_eq!(sent(&mine), 0);
        hall.say_profile(&news(6));
        assert_eq!(sent(&mine), 1);
    }

    #[test]
    fn a_status_is_told_to_all_but_those_who_are_named_in_any_order() {
        let mut hub = TopicHub::default();
        let outboxes: Vec<_> = (2_u128..22).map(|_| outbox()).collect();
        for (number, mine) in (2_u64..).zip(&outboxes) {
            hub.attach(listener(connection(number), user(number.into()), mine));
            hub.activate(connection(number), Seq::START);
        }
        let but_for = [21, 4, 19, 2, 9, 300].map(user).to_vec();
        hub.say_status(&StatusNews::new(user(1), Timestamp::from_micros(1), but_for, WireFrame::json(&1)));
        let told: Vec<usize> =
            (2..).zip(&outboxes).filter(|(_, mine)| sent(mine) > 0).map(|(at, _)| at).collect();
        let expected: Vec<usize> = (2..22).filter(|at| ![21, 4, 19, 2, 9].contains(at)).collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn what_a_user_types_is_told_to_all_but_the_user_and_the_blocked() {
        let mut hub = TopicHub::default();
        let outboxes: Vec<_> = (1_u128..22).map(|_| outbox()).collect();
        for (number, mine) in (1_u64..).zip(&outboxes) {
            hub.attach(listener(connection(number), user(number.into()), mine));
            hub.activate(connection(number), Seq::START);
        }
        let but_for = [2, 4, 9, 19, 21, 300].map(user);
        hub.say_to_others(&WireFrame::json(&1), user(1), &but_for);
        let told: Vec<usize> =
            (1..).zip(&outboxes).filter(|(_, mine)| sent(mine) > 0).map(|(at, _)| at).collect();
        let expected: Vec<usize> = (2..22).filter(|at| ![2, 4, 9, 19, 21].contains(at)).collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn devices_end_with_the_last_change_whichever_comes_first() {
        let (mut hub, mine) = (TopicHub::default(), outbox());
        hub.attach(listener(connection(2), user(2), &mine));
        hub.activate(connection(2), Seq::START);
        let mut say = |of: Option<u128>, version: i64| {
            let of = of.map(|room| RoomId::new(Uuid::from_u128(room)));
            let change = SettingsChange { of, version: Timestamp::from_micros(version) };
            hub.say_settings(change, &WireFrame::json(&version));
            sent(&mine)
        };
        assert_eq!(say(None, 5), 1);
        assert_eq!(say(None, 4), 0, "committed before, and told later");
        assert_eq!((say(Some(7), 3), say(Some(8), 2)), (1, 1), "each room has its own");
        assert_eq!((say(Some(7), 2), say(Some(7), 4), say(None, 6)), (0, 1, 1));
    }

    #[test]
    fn who_may_yet_be_refused_and_who_speaks_another_dialect_are_told_nothing() {
        let (mut hub, mine, of_channels) = (TopicHub::default(), outbox(), outbox());
        hub.attach(listener(connection(2), user(2), &mine));
        let other = listener(connection(3), user(3), &of_channels);
        hub.attach(Listener { format: Format::Simple, ..other });
        hub.activate(connection(3), Seq::START);
        hub.say_profile(&news(5));
        assert_eq!((sent(&mine), sent(&of_channels)), (0, 0));
        hub.activate(connection(2), Seq::START);
        hub.say_profile(&news(5));
        assert_eq!((sent(&mine), sent(&of_channels)), (1, 0), "what was not told is news");
    }
}
