"""What Streamlit runs when the studio is started by ``archgraph studio``."""

from archgraph.studio import main

main()
