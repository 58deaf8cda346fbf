"""The Jupyter kernel for notebooks in C++ with Cotangent: worker.py runs cells, kernel.py speaks Jupyter's protocol."""
