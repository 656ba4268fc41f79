# Put here by "resilver davinci install". DaVinci Resolve runs this file from Workspace > Scripts, with any Python that
# it finds, and does not say where the file lies. All else is in the folder that is looked for here.
import os
import sys

VERB = "jobs"
AGAIN = 'run "resilver davinci install" again'


def places():  # type: () -> list[str]
    get, home = os.environ.get, os.path.expanduser("~")
    if get("RESILVER_DAVINCI"):
        return [os.environ["RESILVER_DAVINCI"]]
    if sys.platform == "win32":
        roots = [get("LOCALAPPDATA") or os.path.join(home, "AppData", "Local"), get("PROGRAMDATA") or "C:\\ProgramData"]
        return [os.path.join(root, "Resilver", "davinci") for root in roots]
    if sys.platform == "darwin":
        return [os.path.join(root, "Library", "Application Support", "Resilver", "davinci") for root in (home, "/")]
    roots = [get("XDG_DATA_HOME"), os.path.join(home, ".local", "share"), "/usr/local/share"]
    return [os.path.join(root, "resilver", "davinci") for root in roots if root]


def start():  # type: () -> str
    if sys.version_info < (3, 6):
        return "It needs Python 3.6 or newer, and Resolve runs %d.%d." % sys.version_info[:2]
    sys.dont_write_bytecode = True
    found = [place for place in places() if os.path.isfile(os.path.join(place, "resilver_davinci", "main.py"))]
    if not found:
        return "Its files are not in %s: %s." % (" or ".join(places()), AGAIN)
    sys.path.insert(0, found[0])
    try:
        from resilver_davinci import main
    except Exception as error:
        return "Its files in %s are damaged (%s: %s): %s." % (found[0], type(error).__name__, error, AGAIN)
    main.run(VERB, globals())
    return ""


def show(words):  # type: (str) -> None
    text = words.encode("ascii", "backslashreplace").decode("ascii")
    print("Resilver cannot start. " + text)
    if os.environ.get("RESILVER_BROWSER") == "none":
        return
    try:
        import pathlib
        import tempfile
        import webbrowser

        handle, path = tempfile.mkstemp(".html", "resilver-")
        with os.fdopen(handle, "w") as page:
            page.write("<title>Resilver</title><h1>Resilver cannot start</h1><p>" + text.replace("<", "&lt;"))
        webbrowser.open(pathlib.Path(path).as_uri())
    except Exception as error:
        print("No browser could be opened: %s" % error)


PROBLEM = start()
if PROBLEM:
    show(PROBLEM)
