// Files that are put into a message before it is sent: how far each has come, and what to do with it.
import type { Uploading, useUpload } from "@madang/react/files";
import { FileText, RotateCw, TriangleAlert, X } from "lucide-react";
import { type ChangeEvent, type ClipboardEvent, type DragEvent, useState } from "react";
import { sizeText, useLanguage, useTexts } from "../i18n";
import { errorText } from "../state/errors";
import { IconButton } from "../ui/button";

/** The files of one message: the server takes no more. */
export const FILES_MAX = 10;

export function Uploads({ uploads, remove, retry }: Pick<ReturnType<typeof useUpload>, "uploads" | "remove" | "retry">) {
  const texts = useTexts();
  if (uploads.length === 0) return null;
  return (
    <ul className="uploads" aria-label={texts.filesToSend}>
      {uploads.map((upload) => (
        <Row key={upload.id} upload={upload} onRemove={() => remove(upload.id)} onRetry={() => retry(upload.id)} />
      ))}
    </ul>
  );
}

function Row({ upload, onRemove, onRetry }: { upload: Uploading; onRemove: () => void; onRetry: () => void }) {
  const texts = useTexts();
  const language = useLanguage();
  const { name, sizeBytes, progress, state, error } = upload;
  const percent = Math.floor(progress * 100);
  return (
    <li className="upload" data-state={state}>
      {state === "failed" ? <TriangleAlert aria-hidden="true" /> : <FileText aria-hidden="true" />}
      <span className="file-name">{name}</span>
      <span className="file-size" role={state === "failed" ? "alert" : undefined}>
        {state === "failed"
          ? errorText(texts, error, { too_large: texts.fileTooLarge, failed_precondition: texts.noRoomForFiles })
          : state === "uploading"
            ? texts.percent(percent)
            : sizeText(language, sizeBytes)}
      </span>
      {state === "uploading" && <progress aria-label={texts.uploading(name)} max={1} value={progress} />}
      {state === "failed" && (
        <IconButton label={texts.uploadAgain(name)} side="top" onClick={onRetry}>
          <RotateCw />
        </IconButton>
      )}
      <IconButton label={texts.removeFile(name)} side="top" onClick={onRemove}>
        <X />
      </IconButton>
    </li>
  );
}

/** The ways by which files come: a field, the clipboard, and what is dragged over a place. */
export function useFileSources(add: (files: Iterable<File>) => void) {
  const [isOver, setIsOver] = useState(false);
  const holdsFiles = (event: DragEvent) => event.dataTransfer.types.includes("Files");
  return {
    isOver,
    field: {
      onChange: (event: ChangeEvent<HTMLInputElement>) => {
        add([...(event.target.files ?? [])]);
        // So that the same file can be chosen once more.
        event.target.value = "";
      },
    },
    clipboard: {
      onPaste: (event: ClipboardEvent) => {
        const files = [...event.clipboardData.files];
        if (files.length === 0) return;
        event.preventDefault();
        add(files);
      },
    },
    place: {
      onDragOver: (event: DragEvent) => {
        if (!holdsFiles(event)) return;
        event.preventDefault();
        setIsOver(true);
      },
      onDragLeave: (event: DragEvent) => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setIsOver(false);
      },
      onDrop: (event: DragEvent) => {
        setIsOver(false);
        if (!holdsFiles(event)) return;
        event.preventDefault();
        add([...event.dataTransfer.files]);
      },
    },
  };
}
