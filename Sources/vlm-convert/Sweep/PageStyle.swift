/// The style sheet of the pages that this program writes.
enum PageStyle {
  static let sheet = """
    :root { color-scheme: light dark; --page: #fcfbf9; --ink: #1c1c1e; --soft: #5d6066; --line: #e2e0db;
      --strong: #96999f; --accent: #14599f; --exact: #e8e6e1; --band: #f3f1ec; }
    @media (prefers-color-scheme: dark) {
      :root { --page: #17181b; --ink: #ececee; --soft: #a2a6ad; --line: #303339; --strong: #777c85;
        --accent: #7ab8ff; --exact: #2d3036; --band: #1f2125; }
    }
    body { margin: 0; background: var(--page); color: var(--ink);
      font: 16px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
    main { max-width: 1180px; margin: 0 auto; padding: 32px 24px 64px; }
    h1 { font-size: 28px; line-height: 1.2; margin: 0 0 8px; }
    h2 { font-size: 20px; margin: 40px 0 8px; }
    p { margin: 8px 0; max-width: 75ch; }
    .lead, .kept, figcaption, caption { color: var(--soft); }
    .note { border-left: 3px solid var(--strong); padding-left: 10px; font-size: 14px; }
    .kept { font-size: 13px; max-width: none; }
    .scroll { overflow-x: auto; }
    table { border-collapse: collapse; font-size: 13.5px; font-variant-numeric: tabular-nums; }
    caption { caption-side: bottom; text-align: left; padding-top: 8px; font-size: 13px; }
    th, td { padding: 5px 12px 5px 0; text-align: right; white-space: nowrap; }
    th:first-child { text-align: left; font-weight: 600; }
    thead th { border-bottom: 1px solid var(--strong); font-weight: 500; color: var(--soft); }
    tbody tr + tr > * { border-top: 1px solid var(--line); }
    .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 460px), 1fr)); gap: 16px 32px; }
    figure { margin: 16px 0; }
    figcaption { font-size: 14px; margin-bottom: 8px; }
    figcaption strong { color: var(--ink); }
    summary { cursor: pointer; padding: 4px 0; font-size: 14px; color: var(--soft); }
    .setting { border-top: 1px solid var(--line); padding: 6px 0; }
    .setting > summary { font-size: 16px; padding: 8px 0; }
    .setting > summary strong { color: var(--ink); }
    dt { font-weight: 600; margin-top: 8px; }
    dd { margin: 0; max-width: 75ch; }
    svg { display: block; width: 100%; height: auto; font-size: 12px; }
    svg text { fill: var(--ink); }
    svg .tick, svg .name { fill: var(--soft); }
    svg .tick { font-size: 11px; font-variant-numeric: tabular-nums; }
    svg .dark, svg .caption { fill: #1c1c1e; font-size: 11px; }
    svg .pale { fill: #ffffff; font-size: 11px; }
    svg .caption { font-size: 12px; font-weight: 600; }
    .grid { stroke: var(--line); }
    .axis { stroke: var(--strong); }
    .frontier { fill: none; stroke: var(--accent); stroke-width: 1.75; stroke-linejoin: round; opacity: 0.65; }
    .error { stroke: var(--ink); stroke-width: 1.25; opacity: 0.7; }
    .best { fill: var(--accent); stroke: var(--page); stroke-width: 1.5; }
    .beaten { fill: var(--page); stroke: var(--strong); stroke-width: 2; }
    .exact { fill: var(--exact); }
    .group { fill: none; stroke: var(--page); stroke-width: 3; pointer-events: none; }
    .subgroup { fill: none; stroke: var(--page); stroke-width: 1.75; pointer-events: none; }
    """
}
