"""The studio: ``streamlit run app.py``."""

from archgraph.studio import main

main()
