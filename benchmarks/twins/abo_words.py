"""The vocabulary of ABO's twin: how sellers spell a class, product codes, and titles in German and Spanish."""

from __future__ import annotations

SPELLINGS: dict[str, dict[str, tuple[str, ...]]] = {
    "color": {
        "black": ("Black", "black", "Jet Black", "Matte Black", "BLACK_00826", "Onyx"),
        "blue": ("Blue", "Navy", "Navy Blue", "navy", "Royal Blue", "Dark Blue", "Denim"),
        "brown": ("Brown", "Dark Brown", "Espresso", "Walnut", "Cognac", "Chocolate Brown"),
        "green": ("Green", "Olive", "Dark Green", "Emerald", "Forest Green"),
        "grey": ("Grey", "Gray", "Charcoal", "Heather Grey", "Dark Slate Gray"),
        "pink": ("Pink", "Blush", "Hot Pink", "Light pink"),
        "purple": ("Purple", "Lavender", "Plum", "Violet"),
        "red": ("Red", "Burgundy", "Dark Red", "Crimson", "Maroon"),
        "white": ("White", "Snow White", "Bright White", "White (Pack of 2)"),
        "yellow": ("Yellow", "Mustard", "Lemon Yellow", "Canary"),
    },
    "pattern": {
        "animal": ("Leopard", "Animal Print", "Zebra", "leopard print"),
        "checked": ("Plaid", "Checkered", "Gingham", "Buffalo Check", "checked"),
        "dotted": ("Polka Dot", "Polka Dots", "polka-dot", "Dots"),
        "floral": ("Floral", "Flowers", "Floral Print", "floral"),
        "solid": ("Solid", "solid", "Solid Color", "Plain"),
        "striped": ("Striped", "Stripes", "Pinstripe", "Stripe"),
        "zigzag": ("Chevron", "Zig-Zag", "chevron"),
    },
    "style": {
        "bohemian": ("Bohemian", "Boho", "Boho Chic"),
        "casual": ("Casual", "casual", "Everyday"),
        "formal": ("Formal", "Business", "formal wear"),
        "party": ("Party", "Cocktail", "Evening"),
        "sporty": ("Sport", "Athletic", "Sporty", "Sports"),
        "vintage": ("Vintage", "Retro", "Vintage Style"),
    },
    "material": {
        "ceramic": ("Ceramic", "Porcelain", "Stoneware"),
        "cotton": ("Cotton", "100% Cotton", "cotton"),
        "leather": ("Leather", "Genuine Leather"),
        "polyester": ("Polyester", "100% polyester"),
    },
}
"""Attribute -> class as the catalogue calls it -> free text."""

CLASSES = {"animal": "animal print", "dotted": "polka dot", "zigzag": "chevron"}
"""What the frozen mapping calls the catalogue's classes where it calls them otherwise."""

CODES = {
    "bag": "HANDBAG",
    "cushion": "PILLOW",
    "dress": "DRESS",
    "hat": "HAT",
    "jacket": "OUTERWEAR",
    "mug": "DRINKING_CUP",
    "shirt": "SHIRT",
    "shoe": "SHOES",
    "skirt": "SKIRT",
    "t-shirt": "SHIRT",
    "trousers": "PANTS",
    "umbrella": "UMBRELLA",
}
"""The catalogue's product type -> Amazon's."""

GERMAN = {
    "bag": "Handtasche",
    "cushion": "Kissenbezug",
    "dress": "Kleid",
    "hat": "Hut",
    "jacket": "Jacke",
    "mug": "Kaffeebecher",
    "shirt": "Hemd",
    "shoe": "Schuhe",
    "skirt": "Rock",
    "t-shirt": "T-Shirt",
    "trousers": "Hose",
    "umbrella": "Regenschirm",
    "black": "Schwarz",
    "blue": "Blau",
    "brown": "Braun",
    "green": "Grün",
    "grey": "Grau",
    "pink": "Rosa",
    "purple": "Violett",
    "red": "Rot",
    "white": "Weiß",
    "yellow": "Gelb",
}
SPANISH = {
    "bag": "Bolso",
    "cushion": "Funda de cojín",
    "dress": "Vestido",
    "hat": "Sombrero",
    "jacket": "Chaqueta",
    "mug": "Taza",
    "shirt": "Camisa",
    "shoe": "Zapatos",
    "skirt": "Falda",
    "t-shirt": "Camiseta",
    "trousers": "Pantalones",
    "umbrella": "Paraguas",
    "black": "Negro",
    "blue": "Azul",
    "brown": "Marrón",
    "green": "Verde",
    "grey": "Gris",
    "pink": "Rosa",
    "purple": "Morado",
    "red": "Rojo",
    "white": "Blanco",
    "yellow": "Amarillo",
}
