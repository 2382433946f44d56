"""The studio: pages on which people without a background compose, check, train and try networks."""


def main() -> None:
    """Show the page that is asked for; called by ``streamlit run app.py``."""
    from archgraph.studio.screens import show

    show()
