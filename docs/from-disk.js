// A browser does not let a page on disk read the index of the search: say so, instead of finding nothing.
if (location.protocol === "file:") {
  document.querySelectorAll(".md-search__input").forEach((input) => {
    input.placeholder = "Search needs a server: see Install";
    input.disabled = true;
  });
}
