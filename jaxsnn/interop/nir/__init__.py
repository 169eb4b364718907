"""The Neuromorphic Intermediate Representation: a graph of linear maps and neurons in continuous time.

Reference: Pedersen et al., "Neuromorphic intermediate representation", Nat. Commun. 15:8122 (2024).
"""
