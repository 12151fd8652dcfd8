//! The ends of accounts, exports, reports and word lists.

use madang_domain::{ListedWord, ReportStatus, RoomRef, Seq, Timestamp, WordAction};
use madang_rpc::{
    auth::{
        ChangePassword, ClientInfo, EraseUser as EndAccount, FinishErasure, Password, Presented, TakeErasures,
    },
    store::{
        Authority, BeginExport, EraseUser, GetWords, ListAudit, ListReports, PageQuery, PutWords, ReadExport,
        ReportMessage, SettleReport, WordList,
    },
};

use super::told;
use crate::scripted::{Scripted, profile, room_id, session_id, user_id};

pub(super) async fn accounts_are_the_same(near: &Scripted, far: &impl madang_rpc::Auth) {
    use madang_rpc::Auth as _;

    let user = user_id(1);
    let presented = || Presented { session: session_id(2), issued_at: Timestamp::from_micros(3_000_000) };
    for presented in [None, Some(presented())] {
        let change = || ChangePassword {
            user,
            current: Password::new("correct horse".into()),
            new: Password::new("battery staple".into()),
            client: ClientInfo::default(),
            presented,
        };
        same!(near, far, change_password(change()));
    }
    same!(near, far, erase_user(EndAccount { user }));
    for again in [None, Some(user)] {
        same!(near, far, take_erasures(TakeErasures { again }));
    }
    same!(near, far, finish_erasure(FinishErasure { user }));
}

pub(super) async fn ends_are_the_same(near: &Scripted, far: &impl madang_rpc::MessageStore) {
    use madang_rpc::MessageStore as _;

    let user = user_id(1);
    for number in [1, 2] {
        same!(near, far, erase_user(EraseUser { user: user_id(number) }));
    }
    same!(near, far, begin_export(BeginExport { user }));
    for cursor in [None, Some("next".to_owned())] {
        same!(near, far, read_export(ReadExport { user, id: "of mina".into(), cursor: cursor.clone() }));
    }
}

pub(super) async fn reports_are_the_same(near: &Scripted, far: &impl madang_rpc::MessageStore) {
    use madang_rpc::MessageStore as _;

    let room = || RoomRef::Id(room_id(7));
    let page = || PageQuery { limit: 3, cursor: Some("next".to_owned()) };
    for reason in [None, Some("스팸".parse().unwrap())] {
        let report = || ReportMessage {
            actor: profile(1),
            room: room(),
            message: Seq::new(3),
            reason: reason.clone(),
        };
        same!(near, far, report_message(report()));
    }
    for (user, of) in [(None, None), (Some(user_id(1)), Some(room()))] {
        let list = || ListReports { user, room: of.clone(), status: ReportStatus::Open, page: page() };
        same!(near, far, list_reports(list()));
        same!(near, far, get_words(GetWords { user, room: of.clone() }));
    }
    for actor in [None, Some(profile(1))] {
        let settle = || SettleReport {
            authority: Authority::User,
            actor: actor.clone(),
            id: "7".into(),
            status: ReportStatus::Dismissed,
        };
        same!(near, far, settle_report(settle()));
        let words = || vec![ListedWord::new("광고").unwrap()];
        let list = || WordList { words: words(), action: WordAction::Flag };
        same!(
            near,
            far,
            put_words(PutWords {
                authority: Authority::User,
                actor: actor.clone(),
                room: Some(room()),
                list: list()
            })
        );
    }
    same!(near, far, list_audit(ListAudit { user: user_id(1), room: room(), page: page() }));
}
