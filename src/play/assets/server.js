// Carries the page's requests to the server that it came from. A refusal is an Error with a sentence for users.
"use strict";

const playTransport = (() => {
  const READS = ["state", "findings", "lesson"];

  async function request(what, body) {
    const post = !READS.includes(what);
    const options = { method: post ? "POST" : "GET", headers: post ? { "Content-Type": "application/json" } : {} };
    if (post) options.body = JSON.stringify(body ?? {});
    let response;
    try {
      response = await fetch(what, options);
    } catch {
      throw new Error("The playground no longer answers. Was it ended with Ctrl-C?");
    }
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) throw new Error(answer.error || `The server answers ${response.status}.`);
    return answer;
  }

  return { request, start: () => request("state") };
})();
