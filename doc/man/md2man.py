"""md2man.py -- a page of the manual from Markdown to roff's man macros. It knows what our pages use:
`# name(section) -- what`, `## SECTION`, `### part`, paragraphs, `- `term`: text` lists, fenced code,
`code`, **bold** and *italics*. Usage: md2man.py PAGE.md > PAGE"""
import re
import sys

TITLE = re.compile(r"^# (\S+)\((\d)\) -- (.*)$")
TERM = re.compile(r"^- ((?:[`*][^`*]+[`*]+|[^`*:])+): +(.*)$")


def escape(text):
    return text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")


def inline(text):
    """Markdown's marks within a line to roff's fonts."""
    out = []
    for part in re.split(r"(`[^`]+`|\*\*[^*]+\*\*|\*[^*]+\*)", text):
        if part.startswith("`"):
            out.append("\\fB" + escape(part[1:-1]) + "\\fR")
        elif part.startswith("**"):
            out.append("\\fB" + escape(part[2:-2]) + "\\fR")
        elif part.startswith("*") and len(part) > 2:
            out.append("\\fI" + escape(part[1:-1]) + "\\fR")
        else:
            out.append(escape(part))
    line = "".join(out)
    return "\\&" + line if line.startswith((".", "'")) else line


def blocks(text):
    """Paragraphs, list items, headings and code as lists of lines."""
    block, code = [], False
    for line in text.split("\n") + [""]:
        fence = line.startswith("```")
        if code or fence:
            block.append(line)
            if fence and code:
                yield block
                block = []
            code ^= fence
            continue
        if block and (not line.strip() or line.startswith(("#", "- "))):
            yield block
            block = []
        if line.strip():
            block.append(line.strip() if block else line)


def title(line):
    m = TITLE.match(line)
    if not m:
        sys.exit("md2man: the first line is not '# name(section) -- what': " + line)
    name, section, what = m.groups()
    return ['.TH "%s" "%s" "" "Weir" "Weir manual"' % (name.upper(), section), ".SH NAME",
            escape(name) + " \\- " + inline(what)]


def item(text):
    m = TERM.match(text)
    if m:
        return [".TP", inline(m[1]), inline(m[2])]
    return [".IP \\(bu 2", inline(text[2:])]


def convert(text):
    out = ['.\\" Made from Markdown by doc/man/md2man.py; do not edit.']
    for block in blocks(text):
        first = block[0]
        if first.startswith("```"):
            out += [".PP", ".in +4n", ".nf"] + ["\\&" + escape(line) for line in block[1:-1]] + [".fi", ".in"]
        elif first.startswith("# "):
            out += title(first)
        elif first.startswith("## "):
            out.append(".SH " + escape(first[3:]).upper())
        elif first.startswith("### "):
            out.append(".SS " + inline(first[4:]))
        elif first.startswith("- "):
            out += item(" ".join(block))
        else:
            out += [".PP", inline(" ".join(block))]
    return "\n".join(out) + "\n"


if __name__ == "__main__":
    sys.stdout.write(convert(open(sys.argv[1], encoding="utf-8").read()))
