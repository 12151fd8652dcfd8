// What a message has besides its text: pictures, and files to save.
import type { Attachment } from "@madang/client";
import { Files } from "@madang/client/files";
import { useClient } from "@madang/react";
import { useFileUrl } from "@madang/react/files";
import { Download, FileText, ImageOff, Link2 } from "lucide-react";
import { useState } from "react";
import { sizeText, useLanguage, useTexts } from "../i18n";
import { errorText } from "../state/errors";
import { Dialog } from "../ui/dialog";
import { useAct } from "../ui/toasts";

/** The largest picture in a list of messages, in pixels of the page. */
const WIDTH_MAX = 360;
const HEIGHT_MAX = 280;

export function Attachments({ attachments, isActive }: { attachments: readonly Attachment[]; isActive: boolean }) {
  return (
    <ul className="attachments">
      {attachments.map((attachment, place) => (
        <li key={attachment.file ?? `${place} ${attachment.url}`}>
          {attachment.image && attachment.file ? (
            <Picture attachment={attachment} isActive={isActive} />
          ) : (
            <FileRow attachment={attachment} isActive={isActive} />
          )}
        </li>
      ))}
    </ul>
  );
}

/** A thumbnail in the place that the picture needs, so that nothing moves when it comes. It opens the large one. */
function Picture({ attachment, isActive }: { attachment: Attachment; isActive: boolean }) {
  const texts = useTexts();
  const { url, error } = useFileUrl(attachment.file, "small");
  const [isOpen, setIsOpen] = useState(false);
  const { width = 1, height = 1 } = attachment.image ?? {};
  const scale = Math.min(1, WIDTH_MAX / width, HEIGHT_MAX / height);
  return (
    <>
      <button
        type="button"
        className="picture"
        style={{ width: Math.max(48, width * scale), aspectRatio: `${width} / ${height}` }}
        aria-label={texts.openPicture(attachment.name)}
        tabIndex={isActive ? 0 : -1}
        onClick={() => setIsOpen(true)}
      >
        {url ? <img src={url} alt={attachment.name} /> : error && <ImageOff aria-hidden="true" />}
      </button>
      <Dialog open={isOpen} onClose={() => setIsOpen(false)} title={attachment.name}>
        {isOpen && <LargePicture attachment={attachment} />}
      </Dialog>
    </>
  );
}

function LargePicture({ attachment }: { attachment: Attachment }) {
  const texts = useTexts();
  const { url, error } = useFileUrl(attachment.file, "large");
  const { width, height } = attachment.image ?? {};
  return (
    <div className="dialog-body picture-large">
      {url && <img src={url} alt={attachment.name} width={width} height={height} />}
      {error && <p role="alert">{errorText(texts, error)}</p>}
      <FileRow attachment={attachment} isActive />
    </div>
  );
}

/** A file by its name, to be saved; a link to one elsewhere. */
function FileRow({ attachment, isActive }: { attachment: Attachment; isActive: boolean }) {
  const texts = useTexts();
  const language = useLanguage();
  const client = useClient();
  const act = useAct();
  const { file, name, url, size_bytes: sizeBytes } = attachment;
  const words = (
    <>
      <span className="file-name">{name}</span>
      <span className="file-size">{sizeText(language, sizeBytes)}</span>
    </>
  );
  if (file === undefined) {
    return (
      <a className="file-row" href={url} target="_blank" rel="noopener noreferrer nofollow" tabIndex={isActive ? 0 : -1}>
        <Link2 aria-hidden="true" />
        {words}
      </a>
    );
  }
  const save = async () => {
    const address = URL.createObjectURL(await new Files(client.rest).get(file));
    const link = document.createElement("a");
    link.href = address;
    link.download = name;
    link.click();
    // The browser has begun to save by then.
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
  };
  return (
    <button
      type="button"
      className="file-row"
      aria-label={texts.saveFile(name)}
      tabIndex={isActive ? 0 : -1}
      onClick={() => void act(save).catch(() => {})}
    >
      <FileText aria-hidden="true" />
      {words}
      <Download aria-hidden="true" />
    </button>
  );
}
