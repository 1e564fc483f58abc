/** Sends a file and tells how far it is: `fetch` cannot say that, so this is the one place with an XMLHttpRequest. */
import { address, loginEnded, OURS } from './client';
import { Problem } from './problem';

export interface Upload<T> {
  answer: Promise<T>;
  cancel: () => void;
}

/** `progress` gets the part that is sent, of 1. A refusal is a {@link Problem}, as everywhere. */
export function upload<T>(path: string, file: Blob, type: string, progress: (part: number) => void): Upload<T> {
  const request = new XMLHttpRequest();
  const answer = new Promise<T>((resolve, reject) => {
    request.open('POST', address(path));
    for (const [name, value] of Object.entries(OURS)) request.setRequestHeader(name, value);
    request.setRequestHeader('Content-Type', type);
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) progress(event.loaded / event.total);
    };
    request.onload = () => {
      const response = new Response(request.responseText, { status: request.status, statusText: request.statusText });
      if (response.ok) {
        resolve(JSON.parse(request.responseText) as T);
        return;
      }
      void Problem.of(response).then((problem) => {
        if (problem.code === 401) loginEnded();
        reject(problem);
      });
    };
    request.onerror = () => reject(Problem.unreachable());
    request.onabort = () => reject(new DOMException('cancelled', 'AbortError'));
    request.send(file);
  });
  return { answer, cancel: () => request.abort() };
}
