// Dialogs that are not part of the first load. They are loaded once there is time, before anybody asks for them.
import { lazy } from "react";

const notices = () => import("../notices/notices-dialog");
const settings = () => import("../settings/settings-dialog");
const browse = () => import("../rooms/browse-rooms");
const direct = () => import("../rooms/new-direct");
const create = () => import("../rooms/new-room");
const search = () => import("../search/search-dialog");

export const NoticesDialog = lazy(() => notices().then((module) => ({ default: module.NoticesDialog })));
export const SettingsDialog = lazy(() => settings().then((module) => ({ default: module.SettingsDialog })));
export const BrowseRooms = lazy(() => browse().then((module) => ({ default: module.BrowseRooms })));
export const NewDirect = lazy(() => direct().then((module) => ({ default: module.NewDirect })));
export const SearchDialog = lazy(() => search().then((module) => ({ default: module.SearchDialog })));
export const NewRoom = lazy(() => create().then((module) => ({ default: module.NewRoom })));

/** How long after the first picture they are loaded. */
const LATER_MS = 2_000;

export function loadDialogs(): () => void {
  const timer = setTimeout(() => {
    for (const load of [notices, settings, browse, direct, create, search]) load().catch(() => {});
  }, LATER_MS);
  return () => clearTimeout(timer);
}
