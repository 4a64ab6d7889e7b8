// An upload by tus-js-client: broken off, resumed by another upload, and one in parallel parts; prints what it
// saw as JSON. Run with the address of the endpoint, a token and a file.
import { readFileSync } from "node:fs";
import tus from "tus-js-client";

const [endpoint, token, path] = process.argv.slice(2);
const common = {
  endpoint,
  headers: { Authorization: `Bearer ${token}` },
  metadata: { filename: "pets.zip", dataset: "Pets" },
  chunkSize: 1000,
  retryDelays: null,
};

// Resolves with the upload and what was sent; `stopAfter` breaks it off after so many chunks.
function send(options, stopAfter = Infinity) {
  return new Promise((resolve) => {
    const seen = { requests: [], status: 0, chunks: 0, starts: null };
    const upload = new tus.Upload(readFileSync(path), {
      ...common,
      ...options,
      onAfterResponse(request, response) {
        seen.requests.push(request.getMethod());
        if (request.getMethod() === "HEAD") seen.starts = Number(response.getHeader("Upload-Offset"));
      },
      async onChunkComplete() {
        seen.chunks += 1;
        if (seen.chunks === stopAfter) {
          await upload.abort();
          resolve({ upload, ...seen });
        }
      },
      onSuccess: () => resolve({ upload, ...seen }),
      onError: (error) => resolve({ upload, ...seen, status: error.originalResponse?.getStatus() ?? -1 }),
    });
    upload.start();
  });
}

const first = await send({}, 1);
const second = await send({ uploadUrl: first.upload.url });
const parallel = await send({ parallelUploads: 2 });
console.log(
  JSON.stringify({
    resumed_at: second.starts,
    status: second.status,
    parallel: parallel.status,
    parallel_methods: [...new Set(parallel.requests)],
  }),
);
