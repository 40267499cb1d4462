"""An application that never finishes its import."""
import threading

threading.Event().wait()
