// What the page says once: which points failed and why, and what the experiment makes of the whole.

function writeFailed() {
  const failed = marks.failed.reduce((n, x) => n + x, 0);
  document.getElementById("failed").hidden = !failed;
  document.getElementById("failed-title").textContent = `${failed} failed point${failed === 1 ? "" : "s"}`;
  document.getElementById("troubles").replaceChildren(
    ...sweep.troubles.map(({ kind, message, points: where, lost }) => {
      const listed = (point) => {
        const at = placesOf(point);
        const text =
          varying()
            .map((p) => `${p.name} ${reading(p, at[p.dim], 4)}`)
            .join(", ") || "the only point";
        const button = element("button", {}, text);
        button.addEventListener("click", () => {
          choose(at);
          document.getElementById("point").scrollIntoView({ block: "nearest" });
        });
        return element("li", {}, button);
      };
      const list = element("ul");
      const more = element("button", {});
      const extend = (n) => {
        more.remove();
        list.append(
          ...Array.from(where)
            .slice(list.children.length, list.children.length + n)
            .map(listed),
        );
        const left = where.length - list.children.length;
        more.textContent = `${left} more`;
        if (left) list.after(more);
      };
      more.addEventListener("click", () => extend(200));
      const head = element(
        "p",
        {},
        element("strong", {}, kind),
        `, ${where.length} point${where.length === 1 ? "" : "s"}${lost ? ", no results" : ", results kept"}`,
      );
      const whole = element("div", { className: "trouble" }, head, element("p", {}, message), list);
      extend(12);
      return whole;
    }),
  );
}

function writeWhole() {
  const picture = sweep.pictures.find(({ point }) => point === null);
  document.getElementById("whole").hidden = !picture && !sweep.summary;
  document.getElementById("summary").textContent = sweep.summary;
  document.getElementById("summary").hidden = !sweep.summary;
  if (picture) document.querySelector("#whole figure").replaceChildren(drawn(picture));
}
