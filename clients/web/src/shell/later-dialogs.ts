// Dialogs that are not part of the first load. They are loaded once there is time, before anybody asks for them.
import { part } from "../ui/part";

export const NoticesDialog = part(() => import("../notices/notices-dialog").then((module) => module.NoticesDialog));
export const SettingsDialog = part(() => import("../settings/settings-dialog").then((module) => module.SettingsDialog));
export const BrowseRooms = part(() => import("../rooms/browse-rooms").then((module) => module.BrowseRooms));
export const NewDirect = part(() => import("../rooms/new-direct").then((module) => module.NewDirect));
export const SearchDialog = part(() => import("../search/search-dialog").then((module) => module.SearchDialog));
export const ReportsDialog = part<{ open: boolean; onClose: () => void }>(() => import("../moderation/reports").then((module) => module.ReportsDialog));
export const NewRoom = part(() => import("../rooms/new-room").then((module) => module.NewRoom));
export const JoinLink = part(() => import("../screens/join-link").then((module) => module.JoinLink));
export const RoomSwitcher = part(() => import("../rooms/room-switcher").then((module) => module.RoomSwitcher));
export const ThreadsDialog = part(() => import("../threads/threads-dialog").then((module) => module.ThreadsDialog));
