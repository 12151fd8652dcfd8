import { Tabs } from "@base-ui/react/tabs";
import { useTexts } from "../i18n";
import { Dialog } from "../ui/dialog";
import { AccountSettings } from "./account";
import { Appearance } from "./appearance";
import { Devices } from "./devices";
import { Keyboard } from "./keyboard";
import { Privacy } from "./privacy";
import { Profile } from "./profile";

/** Each part of the settings; an application may add its own. */
const PARTS = [
  ["profile", Profile],
  ["appearance", Appearance],
  ["privacy", Privacy],
  ["devices", Devices],
  ["account", AccountSettings],
  ["keyboard", Keyboard],
] as const;

export function SettingsDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const texts = useTexts();
  return (
    <Dialog open={open} onClose={onClose} title={texts.settings} className="dialog-wide">
      <Tabs.Root defaultValue="profile" orientation="horizontal" className="settings">
        <Tabs.List className="tabs">
          {PARTS.map(([name]) => (
            <Tabs.Tab key={name} value={name} className="tab">
              {texts[name]}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {PARTS.map(([name, Part]) => (
          <Tabs.Panel key={name} value={name} className="settings-panel">
            <Part />
          </Tabs.Panel>
        ))}
      </Tabs.Root>
    </Dialog>
  );
}
