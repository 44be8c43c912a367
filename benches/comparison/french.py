"""Numbers as French writes them."""
NNBSP, NBSP = "\u202f", "\u00a0"
MONTHS = "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split()


def count(value):
    return f"{value:,}".replace(",", NNBSP)


def number(value, digits=2):
    return f"{value:,.{digits}f}".replace(",", NNBSP).replace(".", ",").replace("-", "−")


def three(value):
    """Three significant digits."""
    return number(value, 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 0.1 else 3)


def size(octets):
    if octets >= 1e9:
        return f"{number(octets / 1e9, 1)}{NBSP}Go"
    return f"{number(octets / 1e6, 0 if octets >= 1e7 else 1)}{NBSP}Mo"


def day(date):
    first = "1er" if date.day == 1 else date.day
    return f"{first} {MONTHS[date.month - 1]} {date.year}"


def typographic(text):
    """No-break spaces before the high marks and inside quotes."""
    for mark in (";", ":", "?", "!", "»", "%"):
        text = text.replace(f" {mark}", f"{NBSP}{mark}")
    return text.replace("« ", f"«{NBSP}")
